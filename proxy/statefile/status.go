package statefile

// statusNames are the results of checks by their numbers, as "show stat" calls them; ""
// where no check of ours ends so.
var statusNames = [statuses]string{
	0: "UNK", 1: "INI", 4: "HANA", 5: "SOCKERR",
	6: "L4OK", 7: "L4TOUT", 8: "L4CON", 9: "L6OK", 10: "L6TOUT", 11: "L6RSP",
	12: "L7TOUT", 13: "L7RSP", 15: "L7OK", 16: "L7OKC", 17: "L7STS",
	18: "PROCERR", 19: "PROCTOUT", 20: "PROCOK",
}

// StatusNumber is the number of a result of checks; without a name, that of none yet.
func StatusNumber(name string) int {
	if name == "" {
		name = "INI"
	}
	for n, s := range statusNames {
		if s == name {
			return n
		}
	}
	return 0
}

// StatusName is the name of a result, "" if there is none with that number.
func StatusName(n int) string {
	if n < 0 || n >= len(statusNames) {
		return ""
	}
	return statusNames[n]
}
