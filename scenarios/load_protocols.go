package scenarios

import (
	"bench/internal/dist"
	"bench/loadgen"
)

// redis is what a load sends to Redis servers as the generator reads it.
func (r *RedisLoad) redis() loadgen.Redis {
	if r == nil {
		return loadgen.Redis{}
	}
	g := loadgen.Redis{
		User: r.User, Password: r.Password, Database: r.Database, Version: r.Version, Value: r.Value.size(),
		Keys: loadgen.Keys{Prefix: r.Keys.Prefix, Count: int64(r.Keys.Count), Law: r.Keys.Law, Skew: r.Keys.Skew},
	}
	for i := range r.Commands {
		c := &r.Commands[i]
		one := loadgen.Command{
			Name: c.Name, Weight: c.Weight, Line: c.Command,
			Expect: loadgen.ExpectReply{Text: c.Expect.Text, Bytes: c.Expect.Bytes.bytes(), Null: c.Expect.Null, Error: c.Expect.Error},
		}
		if c.Value != nil {
			one.Value = new(c.Value.size())
		}
		g.Commands = append(g.Commands, one)
	}
	return g
}

// size is the distribution; always 0 where the text is none, which the validator
// has said then.
func (d Distribution) size() dist.Size {
	s, _ := dist.ParseSize(string(d))
	return s
}

// bytes is the size as a number, nil without one.
func (s *Size) bytes() *int64 {
	if s == nil {
		return nil
	}
	return new(int64(*s))
}
