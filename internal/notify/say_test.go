package notify

import (
	"errors"
	"strings"
	"testing"

	"opeka/internal/care"
	"opeka/messages"
)

func TestConditionsAreSaidInPlainWords(t *testing.T) {
	for text, want := range map[string]string{
		``:                    ``,
		`order.total >= 1000`: `order total is at least 1000`,
		`order.total > 1000 && shipment.carrier == "InPost"`:      `order total is more than 1000 and carrier is “InPost”`,
		`order.pickup && (customer.orders == 1 || !stock.held)`:   `fetched by the customer: yes and (customer’s orders so far is 1 or goods put aside: no)`,
		`order.country in ["UA", "PL"] and payment.prepaid`:       `country is one of “UA”, “PL” and prepaid: yes`,
		`order.country not in ["UA"]`:                             `country is none of “UA”`,
		`order.do_not_call == false`:                              `“don’t call me”: no`,
		`order.ship_method != ""`:                                 `way of delivery is not empty`,
		`lower(order.city) contains "ky"`:                         `lower(order.city) contains “ky”`,
		`any(order.lines, .sku == "A")`:                           `any(order.lines, .sku == "A")`,
		`not (order.total < 10 && order.items > 1)`:               `not so: order total is less than 10 and pieces is more than 1`,
		`order.total > 1 and order.total < 2 and order.items > 3`: `order total is more than 1 and order total is less than 2 and pieces is more than 3`,
	} {
		got, err := SayCondition("en", text)
		if err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", text, got, err, want)
		}
		for _, lang := range languages {
			if said, err := SayCondition(lang, text); err != nil || strings.Contains(said, "notice.") {
				t.Errorf("%s %s: %q %v", lang, text, said, err)
			}
		}
	}
	var e *care.Error
	if _, err := SayCondition("en", "order.total > 1 &&\n order.nomer == 2"); !errors.As(err, &e) || e.Code != "condition_invalid" || e.Args["line"] != 2 {
		t.Errorf("%v", err)
	}
}

// Every fact can be asked for, and has a name for people.
func TestFactsHaveNames(t *testing.T) {
	facts := FactNames()
	if len(facts) < 30 {
		t.Fatal(len(facts), "facts")
	}
	for _, f := range facts {
		text := f.Name
		switch f.Kind {
		case "number":
			text += " > 0"
		case "text":
			text += ` == ""`
		case "list":
			text = "len(" + text + ") > 0"
		case "time":
			text += " == " + f.Name
		}
		if _, err := compileCondition(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, ok := messages.Find("en", "notice.fact."+f.Name, nil); !ok {
			t.Errorf("%s has no name", f.Name)
		}
	}
}
