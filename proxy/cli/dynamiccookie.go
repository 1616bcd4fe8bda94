package cli

func cookieCommands() []Command {
	return []Command{
		{Words: "enable dynamic-cookie backend", Args: "<bk>", Level: AdminLevel, Help: "make cookies of the addresses of servers", Fn: setDynamicCookies(true)},
		{Words: "disable dynamic-cookie backend", Args: "<bk>", Level: AdminLevel, Help: "make no cookies of the addresses of servers", Fn: setDynamicCookies(false)},
		{Words: "set dynamic-cookie-key backend", Args: "<bk> <k>", Level: AdminLevel, Help: "change the secret that such cookies are made with", Fn: setCookieKey},
	}
}

func setDynamicCookies(on bool) func(*request) error {
	return func(r *request) error {
		if r.arg(0) == "" {
			return r.fail("A backend name is expected.")
		}
		if err := r.s.engine.SetDynamicCookies(r.arg(0), on); err != nil {
			return r.refuse(err)
		}
		return nil
	}
}

func setCookieKey(r *request) error {
	if r.arg(0) == "" {
		return r.fail("A backend name is expected.")
	}
	err := r.s.engine.SetCookieKey(r.arg(0), r.arg(1))
	switch {
	case err != nil:
		return r.refuse(err)
	case r.arg(1) == "":
		return r.fail("String value expected.")
	}
	return nil
}
