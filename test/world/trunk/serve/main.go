// Command serve runs a telephone provider with its subscribers by itself, for tests that aren't written in Go. It takes one order of JSON a
// line from its standard input, answers each with one line that carries its id, and ends with its input. Orders that wait don't keep others.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"opeka/test/world/phone"
	"opeka/test/world/trunk"
)

// order is what somebody at the other end of the line is to do, or what is to be waited for.
type order struct {
	ID     int64   `json:"id"`
	Do     string  `json:"do"`
	Number string  `json:"number"` // whose
	To     string  `json:"to"`
	Tone   float64 `json:"tone"`
	Takes  bool    `json:"takes"` // of a subscriber: whether he answers by himself
	Call   int     `json:"call"`
	Keys   string  `json:"keys"`
	On     bool    `json:"on"`
}

type town struct {
	provider *trunk.Provider
	mu       sync.Mutex
	people   map[string]*trunk.Subscriber
	sets     map[string]*phone.Phone
	calls    []*phone.Call
}

func main() {
	provider, err := trunk.New("shop", "open sesame")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer provider.Close()
	t := &town{provider: provider, people: map[string]*trunk.Subscriber{}, sets: map[string]*phone.Phone{}}
	settings, secrets := provider.Settings()
	for k, v := range secrets {
		settings[k] = v
	}
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(map[string]any{"settings": settings, "number": settings["caller_id"]})
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var o order
		if json.Unmarshal(in.Bytes(), &o) != nil {
			continue
		}
		go func() {
			answer := map[string]any{"id": o.ID}
			call, err := t.do(o)
			if err != nil {
				answer["error"] = err.Error()
			}
			answer["call"] = call
			mu.Lock()
			defer mu.Unlock()
			_ = out.Encode(answer)
		}()
	}
}

// keep gives a call its number.
func (t *town) keep(c *phone.Call, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, c)
	return len(t.calls), nil
}

func (t *town) find(o order) (*trunk.Subscriber, *phone.Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var c *phone.Call
	if o.Call > 0 && o.Call <= len(t.calls) {
		c = t.calls[o.Call-1]
	}
	return t.people[o.Number], c
}

func (t *town) set(name string) *phone.Phone {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sets[name]
}

func (t *town) do(o order) (int, error) {
	who, c := t.find(o)
	switch o.Do {
	case "registered":
		if !t.provider.Registered() {
			return 0, errors.New("not registered")
		}
		return 0, nil
	case "person":
		s := t.provider.Subscriber(o.Number, o.Tone)
		if o.Takes {
			s.Does(trunk.Answers)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.people[o.Number] = s
		return 0, nil
	case "handset": // of an agent's, which registers by itself
		set, err := phone.Register(o.To, o.Number, o.Keys, o.Tone)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.sets[o.Number] = set
		return 0, err
	}
	if set := t.set(o.Number); set != nil {
		if o.Do == "rung" {
			return t.keep(set.Next())
		}
	}
	if who != nil {
		switch o.Do {
		case "call":
			return t.keep(who.Call(o.To))
		case "rung":
			return t.keep(who.Next())
		}
	}
	if c == nil {
		return 0, fmt.Errorf("nobody to %s", o.Do)
	}
	heard := func(ok bool) error {
		if !ok {
			return fmt.Errorf("%s %v: not within %v", o.Do, o.Tone, phone.Patience)
		}
		return nil
	}
	switch o.Do {
	case "answered":
		return 0, c.Answered()
	case "answer":
		return 0, c.Answer()
	case "over":
		_, err := c.Over()
		return 0, err
	case "hangup":
		return 0, c.Hangup()
	case "press":
		return 0, c.Press(o.Keys)
	case "pressed":
		return 0, c.Pressed(o.Keys)
	case "held":
		return 0, c.Held(o.On)
	case "hears":
		return 0, heard(c.Hears(o.Tone))
	case "misses":
		return 0, heard(c.Misses(o.Tone))
	}
	return 0, fmt.Errorf("%q is no order", o.Do)
}
