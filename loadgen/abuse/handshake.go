package abuse

// tlsStallPlans begin a handshake of TLS and say nothing more.
func tlsStallPlans(s *settings) []plan {
	hello := tlsHello()
	return []plan{{steps: []step{send(hello[:len(hello)/2]), {do: opHold}}, limit: s.hold}}
}

// tlsCutVariants are hellos that end too soon, by the place where they do.
func tlsCutVariants() []variant {
	hello := tlsHello()
	return []variant{
		{name: "record-head", data: hello[:3], partial: true},
		{name: "hello-head", data: hello[:7], partial: true},
		{name: "hello", data: hello[:len(hello)-1], partial: true},
		{name: "behind-hello", data: hello, partial: true},
	}
}

func tlsCutNames(*settings) []string { return namesOf(tlsCutVariants()) }

// tlsCutPlans go away in the middle of a handshake.
func tlsCutPlans(s *settings) []plan {
	var plans []plan
	for i, v := range tlsCutVariants() {
		plans = append(plans, plan{variant: i, steps: []step{send(v.data), leave(s.reset)}})
	}
	return plans
}
