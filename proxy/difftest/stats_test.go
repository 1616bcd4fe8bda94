package difftest

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// counters are the columns of "show stat" that are compared: events, not bytes or
// rates.
var counters = []string{
	"qmax", "stot", "dreq", "dresp", "ereq", "econ", "eresp", "wretr", "wredis",
	"lbtot", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "req_tot",
	"cli_abrt", "srv_abrt", "conn_tot", "intercepted", "connect", "reuse",
}

// stats asks the proxy for its counters and writes those of the exchange's own
// proxies that are not zero.
func stats(socket string) (string, error) {
	c, err := net.DialTimeout("unix", socket, awaitLimit)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(awaitLimit))
	if _, err := io.WriteString(c, "show stat\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(c)
	if err != nil {
		return "", err
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "# "))).ReadAll()
	if err != nil || len(rows) == 0 {
		return "", fmt.Errorf("show stat: %w, %d rows of %q", err, len(rows), text)
	}
	var out strings.Builder
	for _, row := range rows[1:] {
		if row[0] == "ready" {
			continue
		}
		fmt.Fprintf(&out, "%s/%s", row[0], row[1])
		for _, name := range counters {
			if i := slices.Index(rows[0], name); i >= 0 && row[i] != "" && row[i] != "0" {
				fmt.Fprintf(&out, " %s=%s", name, row[i])
			}
		}
		out.WriteByte('\n')
	}
	return out.String(), nil
}
