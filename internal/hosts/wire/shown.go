package wire

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What hosts say of themselves may be anything: a host is let in to be one, not to be
// believed. It is looked at here, before it comes to terminals, records and configurations.

// Bounds of what is taken of a host.
const (
	mostLabels = 100
	mostText   = 200
)

// Shown is a text of somebody else as it may be shown: at most so many bytes, without what
// terminals act on.
func Shown(text string, most int) string {
	if len(text) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		text = text[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// oneLine is a text as it may be shown within a line.
func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(Shown(text, mostText))
}

// Check says what is wrong with what a host says of itself, and has the rest as it may be
// shown. Its address is part of what others are configured with: it is one, and nothing else.
func (h *Hello) Check() error {
	if err := CheckName(h.Name); err != nil {
		return err
	}
	at, err := ParseHost(h.Address)
	if err != nil {
		return fmt.Errorf("host %s: %w", h.Name, err)
	}
	if len(h.Labels) > mostLabels || len(h.Allow) > mostLabels || len(h.Exec) > mostLabels {
		return fmt.Errorf("host %s says too much of itself", h.Name)
	}
	h.Address = at
	h.Instance, h.Kernel, h.Tool, h.Run = oneLine(h.Instance), oneLine(h.Kernel), oneLine(h.Tool), oneLine(h.Run)
	labels := make(map[string]string, len(h.Labels))
	for key, value := range h.Labels {
		labels[oneLine(key)] = oneLine(value)
	}
	h.Labels = labels
	for _, list := range [][]string{h.Allow, h.Exec} {
		for i := range list {
			list[i] = oneLine(list[i])
		}
	}
	return nil
}

// zone is an interface as it may stand in an address.
var zone = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,15}$`)

// ParseHost is an IP address as all programs write it.
func ParseHost(text string) (string, error) {
	at, err := netip.ParseAddr(text)
	if err != nil || !zone.MatchString(at.Zone()) {
		return "", fmt.Errorf("%q is no IP address", oneLine(text))
	}
	return at.Unmap().String(), nil
}
