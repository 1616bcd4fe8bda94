package cli

import (
	"errors"
	"strings"

	"bench/proxy/certs"
)

// certCommands show and exchange certificates, authorities and revocations, each by
// transactions of its own.
func certCommands() []Command {
	var list []Command
	for _, k := range certKinds {
		list = append(list,
			Command{Words: "new ssl " + k.word, Args: "<file>", Level: AdminLevel, Help: "make an empty file of " + k.what + ", to be used in a list", Fn: k.make},
			Command{Words: "set ssl " + k.word, Args: "<file> <payload>", Level: AdminLevel, Help: "begin to replace a file of " + k.what, Fn: k.set},
			Command{Words: "commit ssl " + k.word, Args: "<file>", Level: AdminLevel, Help: "put what was set into use, at once", Fn: k.commit},
			Command{Words: "abort ssl " + k.word, Args: "<file>", Level: AdminLevel, Help: "forget what was set", Fn: k.abort},
			Command{Words: "del ssl " + k.word, Args: "<file>", Level: AdminLevel, Help: "delete a file of " + k.what + " that is not in use", Fn: k.del},
			Command{Words: "show ssl " + k.word, Args: "[" + k.shown + "]", Level: Operator, Help: "list files of " + k.what + ", or show one", Fn: k.show},
		)
	}
	return append(list,
		Command{Words: "show ssl crt-list", Args: "[-n] [<list>]", Level: AdminLevel, Help: "list lists of certificates, or the lines of one", Fn: showCertList},
		Command{Words: "add ssl crt-list", Args: "<list> <cert>", Level: AdminLevel, Help: "add a certificate to a list, or a line with options as payload", Fn: addCertList},
		Command{Words: "del ssl crt-list", Args: "<list> <cert[:line]>", Level: AdminLevel, Help: "take a line out of a list", Fn: delCertList},
		Command{Words: "show ssl ocsp-response", Args: "[<id>]", Level: Operator, Help: "list certificates with a response of OCSP, or show one", Fn: showOCSP},
		Command{Words: "set ssl ocsp-response", Args: "<response|payload>", Level: AdminLevel, Help: "replace a response of OCSP by one in base64", Fn: setOCSP},
		Command{Words: "show ssl providers", Level: Operator, Help: "name what does the cryptography", Fn: func(r *request) error { return r.info("Loaded providers : \n\t- crypto/tls") }},
		Command{Words: "show tls-keys", Args: "[id|*]", Level: Operator, Help: "list files of keys of tickets, or the keys", Fn: showTicketKeys},
		Command{Words: "set ssl tls-key", Args: "[id|file] <key>", Level: AdminLevel, Help: "make a key of tickets the last one", Fn: setTicketKey},
	)
}

// certKind is one of the kinds of files, with the words that the reference has for it.
type certKind struct {
	kind        certs.Kind
	word, what  string
	name        string // in the midst of a sentence
	shown       string // arguments of "show"
	created     string // what "new" says
	payload     string // what "set" needs besides the file
	transaction string // what "set" says, before the file
	show        func(*request) error
}

var certKinds = []certKind{
	{certs.Certs, "cert", "certificates", "certificate", "<file>", "New empty certificate store '%s'!", "a certificate", "Transaction %s for certificate ", showCert},
	{certs.CAs, "ca-file", "authorities", "CA file", "<file>[:<index>]", "New CA file created '%s'!", "CAs", "transaction %s for CA ", showCAFile},
	{certs.CRLs, "crl-file", "revocations", "CRL file", "<file>[:<index>]", "New CRL file created '%s'!", "CRLs", "transaction %s for CRL ", showCRLFile},
}

// title is the name at the begin of a sentence.
func (k *certKind) title() string { return strings.ToUpper(k.name[:1]) + k.name[1:] }

// about says with a file, in a sentence that has a place for it.
func about(sentence, file string) string { return strings.Replace(sentence, "%s", file, 1) }

func (k certKind) make(r *request) error {
	file := r.arg(0)
	if file == "" {
		return r.fail("'new ssl " + k.word + "' expects a filename")
	}
	if r.s.engine.Certs().New(k.kind, file) != nil {
		return r.fail(k.title() + " '" + file + "' already exists!")
	}
	return r.notice(about(k.created, file))
}

func (k certKind) set(r *request) error {
	file := r.arg(0)
	if file == "" || r.payload == nil {
		return r.fail("'set ssl " + k.word + " expects a filename and " + k.payload + " as a payload")
	}
	owner, created, err := r.s.engine.Certs().Set(k.kind, file, r.payload)
	if other, ok := errors.AsType[*certs.OtherError](err); ok {
		return r.fail("The ongoing transaction is about '" + other.Path + "' but you are trying to set '" + file + "'\nCan't update " + file + "!")
	}
	switch {
	case errors.Is(err, certs.ErrUnknown):
		return r.fail("Can't replace a " + k.name + " which is not referenced by the configuration!\nCan't update " + file + "!")
	case err != nil && k.kind == certs.Certs:
		return r.fail(err.Error() + "\nCan't load the payload\nCan't update " + file + "!")
	case err != nil:
		return r.fail("Invalid payload\nCan't update " + file + "!")
	}
	done := "updated"
	if created {
		done = "created"
	}
	return r.notice(about(k.transaction, done) + owner + "!")
}

func (k certKind) commit(r *request) error {
	file := r.arg(0)
	if file == "" {
		word := k.word
		if k.kind == certs.CRLs {
			word = "ca-file" // as the reference has it
		}
		return r.fail("'commit ssl " + word + " expects a filename")
	}
	users, err := r.s.engine.Certs().Commit(k.kind, file)
	why := ""
	switch {
	case err == nil:
		return r.info("Committing " + file + strings.Repeat(".", users) + "\nSuccess!")
	case errors.Is(err, certs.ErrNoTransaction):
		why = "No ongoing transaction! !"
	case errors.Is(err, certs.ErrIncomplete):
		why = "The transaction must contain at least a certificate and a private key!"
	case errors.Is(err, certs.ErrMismatch):
		why = "inconsistencies between private key and certificate loaded '" + file + "'."
	}
	if other, ok := errors.AsType[*certs.OtherError](err); ok {
		why = "The ongoing transaction is about '" + other.Path + "' but you are trying to set '" + file + "'"
	}
	if why == "" {
		return r.fail("Committing " + file + "\n" + err.Error() + "\nFailed!")
	}
	return r.fail(why + "\nCan't commit " + file + "!")
}

func (k certKind) abort(r *request) error {
	file := r.arg(0)
	if file == "" {
		return r.fail("'abort ssl " + k.word + "' expects a filename")
	}
	err := r.s.engine.Certs().Abort(k.kind, file)
	if other, ok := errors.AsType[*certs.OtherError](err); ok {
		return r.fail("The ongoing transaction is about '" + other.Path + "' but you are trying to abort a transaction for '" + file + "'")
	}
	if err != nil {
		return r.fail("No ongoing transaction!")
	}
	return r.notice("Transaction aborted for certificate '" + file + "'!")
}

func (k certKind) del(r *request) error {
	file := r.arg(0)
	if file == "" {
		return r.fail("'del ssl " + k.word + "' expects a " + k.name + " name")
	}
	store := r.s.engine.Certs()
	err := store.Delete(k.kind, file)
	failed := "Can't remove the " + k.name + ": "
	_, isCA := store.Authorities(file, false)
	switch {
	case err == nil:
		return r.notice(k.title() + " '" + file + "' deleted!")
	case errors.Is(err, certs.ErrPending):
		return r.fail(failed + "ongoing transaction for the " + k.name + " '" + file + "'")
	case errors.Is(err, certs.ErrInUse):
		return r.fail(failed + k.name + " '" + file + "' in use, can't be deleted!\n")
	case k.kind == certs.CRLs && isCA:
		return r.fail(failed + "'del ssl crl-file' does not work on CA files!\n")
	}
	return r.fail(failed + k.name + " '" + file + "' doesn't exist!\n")
}
