package tlsio

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// Numbers of OpenSSL's errors, which logs know the faults of handshakes by, and what it
// says to them (ERR_error_string(3)).
const (
	libSSL = 0x0A000000
	// alertBase is added to the number of an alert that the peer has sent.
	alertBase = 1000
)

type reason struct {
	number int
	text   string
}

var (
	badCertificate = reason{0x86, "certificate verify failed"}
	badVersion     = reason{0x10B, "wrong version number"}
	// reasons are found by a part of what crypto/tls says.
	reasons = []struct {
		part string
		reason
	}{
		{"unsupported versions", reason{0x102, "unsupported protocol"}},
		{"didn't provide a certificate", reason{0xC7, "peer did not return a certificate"}},
		{"no cipher suite supported", reason{0xC1, "no shared cipher"}},
		{"no mutually supported curve", reason{0xC1, "no shared cipher"}},
		{"no ECDHE curve supported", reason{0xC1, "no shared cipher"}},
		{"no certificates configured", reason{0xEA, "callback failed"}},
		{"unexpected message", reason{0xF4, "unexpected message"}},
		{"bad record MAC", reason{0x119, "decryption failed or bad record mac"}},
	}
)

// alertTexts are OpenSSL's names of alerts.
var alertTexts = map[uint8]string{
	10: "ssl/tls alert unexpected message", 20: "sslv3 alert bad record mac", 21: "tlsv1 alert decryption failed", 22: "tlsv1 alert record overflow",
	40: "sslv3 alert handshake failure", 42: "sslv3 alert bad certificate", 43: "sslv3 alert unsupported certificate", 44: "sslv3 alert certificate revoked",
	45: "sslv3 alert certificate expired", 46: "sslv3 alert certificate unknown", 47: "sslv3 alert illegal parameter", 48: "tlsv1 alert unknown ca",
	49: "tlsv1 alert access denied", 50: "tlsv1 alert decode error", 51: "tlsv1 alert decrypt error", 70: "tlsv1 alert protocol version",
	71: "tlsv1 alert insufficient security", 80: "tlsv1 alert internal error", 90: "tlsv1 alert user cancelled", 109: "tlsv13 alert missing extension",
	112: "tlsv1 unrecognized name", 116: "tlsv13 alert certificate required", 120: "tlsv1 alert no application protocol",
}

// FaultNumber is OpenSSL's number of what a handshake has come to nothing for, and its words
// for that; 0 for what is no fault of TLS, as a peer that has gone.
func FaultNumber(err error) (number int, text string) {
	r, ok := reasonOf(err)
	if !ok {
		return 0, ""
	}
	number = libSSL | r.number
	return number, fmt.Sprintf("error:%08X:SSL routines::%s", number, r.text)
}

func reasonOf(err error) (r reason, ok bool) {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r, false
	}
	if _, broken := errors.AsType[syscall.Errno](err); broken {
		return r, false
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return ofAlert(uint8(alert)), true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return ofAlertText(op.Err.Error()), true
	}
	if head, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		switch string(head.RecordHeader[:4]) {
		case "GET ", "POST", "HEAD", "PUT ":
			return reason{0x9C, "http request"}, true
		}
		return badVersion, true
	}
	said := err.Error()
	for _, x := range reasons {
		if strings.Contains(said, x.part) {
			return x.reason, true
		}
	}
	if strings.HasPrefix(said, "tls: ") {
		if _, ofCertificate := errors.AsType[*tls.CertificateVerificationError](err); !ofCertificate {
			return reason{0xF4, "unexpected message"}, true
		}
	}
	return badCertificate, true // what judges certificates has words of its own
}

func ofAlert(number uint8) reason {
	text, ok := alertTexts[number]
	if !ok {
		text = "reason(" + fmt.Sprint(alertBase+int(number)) + ")"
	}
	return reason{alertBase + int(number), text}
}

// ofAlertText finds an alert by what crypto/tls calls it, which does not say its number.
func ofAlertText(text string) reason {
	for i := range 256 {
		if tls.AlertError(uint8(i)).Error() == text {
			return ofAlert(uint8(i))
		}
	}
	return reason{0xF4, "unexpected message"}
}
