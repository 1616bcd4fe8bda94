package config

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/spec"
)

// optionWords is an option with a value, as it may stand on a line. before must stand
// in front for it to have an effect.
func optionWords(o *serverOption) (before, words string) {
	value := optionSamples[o.name]
	if b := optionBefore("server", o.name); b != "" {
		return b, strings.TrimSpace(o.name + " " + value)
	}
	if first, second, ok := strings.Cut(value, " "); ok && second == o.name {
		return first, o.name
	}
	if value == "" && o.args > 0 {
		value = "7"
	}
	return "", strings.TrimSpace(o.name + " " + value)
}

// servers reads a configuration with these lines, of defaults and of a backend, and
// returns the backend's servers without where they were written.
func servers(t *testing.T, defaults, backend string) []spec.Server {
	t.Helper()
	cfg, _ := load(t, "resolvers r\nnameserver d 127.0.0.1:53\ndefaults\nmode http\n"+defaults+"backend b\n"+backend+"defaults\nbackend followed\nserver s3 127.0.0.1:83 check\n")
	var list []spec.Server
	for _, s := range cfg.Proxies[0].Servers {
		c := *s
		c.Pos = spec.Pos{}
		if c.TLS != nil && c.TLS.SNI != nil { // compared by its text, which the host takes along
			tls := *c.TLS
			c.Host, tls.SNI = c.Host+tls.SNI.String(), nil
			c.TLS = &tls
		}
		if c.Namespace != nil { // and by its name: each configuration opens it anew
			c.Host, c.Namespace = c.Host+" in "+c.Namespace.Name(), nil
		}
		list = append(list, c)
	}
	return list
}

// An option in "default-server", of the section or of its defaults, is worth as much
// as on the line itself; what a line says is nobody else's.
func TestServersAreCopiesOfTheirTemplate(t *testing.T) {
	rows := serverOptions()
	for i := range rows {
		o := &rows[i]
		t.Run(o.name, func(t *testing.T) {
			before, words := optionWords(o)
			address := "127.0.0.1:80 "
			plain := servers(t, "", "server s "+address+before+"\n")[0]
			alone := servers(t, "", "server a "+address+before+" "+words+"\nserver s "+address+before+"\n")
			own := alone[0]
			own.Name = "s"
			if plain.ID = own.ID; alone[1].ID != 0 {
				alone[1].ID = own.ID
			}
			if !reflect.DeepEqual(alone[1], plain) {
				t.Errorf("the line after it is %+v, want %+v", alone[1], plain)
			}
			if !o.inDefault {
				_, diags := Load([]Source{{Name: "t.cfg", Text: []byte("backend b\ndefault-server " + words + "\n")}}, testEnv())
				if want := "'" + o.name + "' is not allowed in 'default-server'"; diags.Err() == nil || !strings.Contains(diags.Err().Error(), want) {
					t.Errorf("%v, want %s", diags.Err(), want)
				}
				return
			}
			line := "default-server " + before + " " + words + "\n"
			of := map[string]spec.Server{
				"section":  servers(t, "", line+"server s "+address+"\n")[0],
				"defaults": servers(t, line, "server s "+address+"\n")[0],
			}
			for where, got := range of {
				if got.ID = own.ID; !reflect.DeepEqual(got, own) {
					t.Errorf("in the %s it makes %+v, on the line %+v", where, got, own)
				}
			}
		})
	}
}

// What may be said of a server at run time is what the reference takes there.
// A port that is not written is the client's, but for servers of a service, whose records
// have one.
func TestPortsOfServices(t *testing.T) {
	list := servers(t, "", "server-template s 2 _http._tcp.test resolvers r init-addr none\nserver n 127.0.0.1\nserver h web.test resolvers r init-addr none\n")
	for i, want := range []bool{false, false, true, true} {
		if list[i].MapPort != want {
			t.Errorf("%s: MapPort is %v, want %v", list[i].Name, list[i].MapPort, want)
		}
	}
}

func TestOptionsAtRunTime(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	path, file := filepath.Join(dir, "s"), filepath.Join(dir, "cfg")
	text := fmt.Sprintf("global\n stats socket %s level admin\n nbthread 1\n maxconn 100\ndefaults\n mode http\n timeout client 1s\n timeout connect 1s\n timeout server 1s\nbackend b\n server s1 127.0.0.1:1\n", path)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	ask := func(command string) string {
		var c net.Conn
		for try := 0; ; try++ {
			var err error
			if c, err = net.Dial("unix", path); err == nil {
				break
			}
			if try > 200 {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintln(c, command)
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	rows := serverOptions()
	for i := range rows {
		o := &rows[i]
		before, words := optionWords(o)
		if optionBefore("server", o.name) != "" {
			words = before + " " + words
		}
		theirs := ask(fmt.Sprintf("add server b/x%d 127.0.0.1:1 %s", i, words))
		switch o.name {
		case "track":
			continue // taken there; here only servers of the configuration follow others
		case "guid":
			continue // of a later version
		}
		taken := strings.HasSuffix(theirs, "New server registered.")
		if strings.Contains(theirs, "unable to ") {
			taken = true // there, a file must have been in use at start
		}
		if taken != o.atRunTime {
			t.Errorf("%s: the reference says %q, here atRunTime is %v", words, theirs, o.atRunTime)
		}
		_, err := ServerAtRunTime(&spec.GlobalTLS{}, &spec.Proxy{Name: "b"}, "x", strings.Fields("127.0.0.1:1 "+words))
		if (err == nil) != o.atRunTime {
			t.Errorf("%s: %v", words, err)
		}
	}
}
