package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/certs"
)

func showCertList(r *request) error {
	numbered := r.arg(0) == "-n"
	if numbered {
		r.args = r.args[1:]
		if r.arg(0) == "" {
			return r.fail("'show ssl crt-list -n' expects a filename or a directory")
		}
	}
	store, list := r.s.engine.Certs(), r.arg(0)
	if list == "" {
		_, err := r.w.WriteString(strings.Join(append(store.Lists(), ""), "\n"))
		return err
	}
	entries, ok := store.List(list)
	if !ok {
		return r.fail("didn't find the specified filename")
	}
	fmt.Fprintf(r.w, "# %s\n", list)
	for i := range entries {
		if _, err := r.w.WriteString(certs.Entry(&entries[i], numbered, strconv.Itoa(entries[i].Line)) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

func addCertList(r *request) error {
	list, line := r.arg(0), r.arg(1)
	if r.payload != nil {
		line = strings.TrimRight(string(r.payload), "\n")
	}
	if list == "" || line == "" {
		return r.fail("'add ssl crtlist' expects a filename and a certificate name")
	}
	if strings.Contains(line, "\n") {
		return r.fail("Can't edit the crt-list: one line is expected as payload")
	}
	const failed = "Can't edit the crt-list: "
	cert, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	store := r.s.engine.Certs()
	if _, directory := store.List(list); directory && store.IsDirectory(list) && !strings.HasPrefix(cert, list+"/") {
		return r.fail(failed + "'" + list + "' is a directory, certificate path '" + cert + "' must contain the directory path")
	}
	users, err := r.s.engine.AddCertEntry(list, cert, line)
	switch {
	case errors.Is(err, certs.ErrUnknown):
		return r.fail(failed + "crt-list '" + list + "' does not exist!")
	case errors.Is(err, certs.ErrIncomplete):
		why := "does not exist!"
		if _, empty := store.Certificate(cert, false); empty {
			why = "is empty!"
		}
		return r.fail(failed + "certificate '" + cert + "' " + why)
	case err != nil:
		return r.fail(failed + err.Error())
	}
	return r.info("Inserting certificate '" + cert + "' in crt-list '" + list + "'" + strings.Repeat(".", users) + "\nSuccess!")
}

func delCertList(r *request) error {
	list, cert := r.arg(0), r.arg(1)
	if list == "" || cert == "" {
		return r.fail("'del ssl crtlist' expects a filename and a certificate name")
	}
	const failed = "Can't delete the entry: "
	wanted := 0
	if name, number, ok := strings.Cut(cert, ":"); ok {
		cert, wanted = name, number1(number)
	}
	store := r.s.engine.Certs()
	entries, ok := store.List(list)
	if !ok {
		return r.fail(failed + "crt-list '" + list + "' does not exist!")
	}
	if _, there := store.Certificate(cert, false); !there {
		return r.fail(failed + "certificate '" + cert + "' does not exist!")
	}
	var lines []string
	var first, found int
	for i := range entries {
		if e := &entries[i]; e.Cert == cert {
			lines = append(lines, strconv.Itoa(e.Line))
			if first == 0 {
				first = e.Line
			}
			if e.Line == wanted {
				found = wanted
			}
		}
	}
	switch {
	case lines == nil:
		return r.fail(failed + "certificate '" + cert + "' can't be found in crt-list '" + list + "'!")
	case wanted > 0 && found == 0:
		return r.fail(failed + "found a certificate '" + cert + "' but the line number is incorrect, please specify a correct line number preceded by colons (" + strings.Join(lines, ", ") + ")!")
	case wanted == 0 && len(lines) > 1:
		return r.fail(failed + "found the certificate '" + cert + "' in several entries, please specify a line number preceded by colons (" + strings.Join(lines, ", ") + ")!")
	case store.Default(list, cert):
		return r.fail(failed + "certificate '" + cert + "' cannot be deleted, it is used as default certificate by a bind line")
	}
	if wanted == 0 {
		found = first
	}
	if _, err := store.DeleteEntry(list, found); err != nil {
		return r.fail(failed + err.Error())
	}
	return r.notice("Entry '" + cert + "' deleted in crtlist '" + list + "'!")
}

// number1 is a number from 1, or -1, which no line has.
func number1(text string) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return -1
}

// ticketFile finds a file of keys by "#" and its number, or by its name.
func ticketFile(r *request, files []string) int {
	if text, ok := strings.CutPrefix(r.arg(0), "#"); ok {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(files) {
			return n
		}
		return -1
	}
	return slices.Index(files, r.arg(0))
}

func showTicketKeys(r *request) error {
	files, keys := r.s.engine.Certs().TicketFiles()
	title, only := "# id (file)\n", -1
	if name := r.arg(0); name != "" {
		title = "# id secret\n"
		if name != "*" {
			if only = ticketFile(r, files); only < 0 {
				return r.fail("'show tls-keys' unable to locate referenced filename")
			}
		}
	}
	if _, err := r.w.WriteString(title); err != nil {
		return err
	}
	for i, file := range files {
		switch {
		case r.arg(0) == "":
			fmt.Fprintf(r.w, "%d (%s)\n", i, file)
		case only < 0 || only == i:
			fmt.Fprintf(r.w, "# %d (%s)\n", i, file)
			for n, key := range keys[i] {
				fmt.Fprintf(r.w, "%d.%d %s\n", i, n, key)
			}
		}
	}
	return nil
}

func setTicketKey(r *request) error {
	if r.arg(0) == "" || r.arg(1) == "" {
		return r.fail("'set ssl tls-key' expects a filename and the new TLS key in base64 encoding.")
	}
	store := r.s.engine.Certs()
	files, _ := store.TicketFiles()
	i := ticketFile(r, files)
	if i < 0 {
		return r.fail("'set ssl tls-key' unable to locate referenced filename")
	}
	key, err := base64.StdEncoding.DecodeString(r.arg(1))
	if err != nil {
		return r.fail("'set ssl tls-key' received invalid base64 encoded TLS key.")
	}
	if !store.PushTicketKey(i, key) {
		return r.fail("'set ssl tls-key' received a key of wrong size.")
	}
	return r.info("TLS ticket key updated!")
}

func setOCSP(r *request) error {
	text := r.arg(0)
	if r.payload != nil {
		text = strings.Join(strings.Fields(string(r.payload)), "")
	}
	if text == "" {
		return r.fail("'set ssl ocsp-response' expects response in base64 encoding.")
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return r.fail("'set ssl ocsp-response' received invalid base64 encoded response.")
	}
	if err := r.s.engine.Certs().UpdateResponse(der); err != nil {
		return r.fail(strings.TrimSuffix(err.Error(), ".") + ".")
	}
	return r.info("OCSP Response updated!")
}
