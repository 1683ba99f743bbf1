package notify_test

import (
	"errors"
	"testing"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/notify"
)

// Words are kept in versions, have a place for each channel, are refused with the place of the mistake, and show where a language was left behind.
func TestWordsAreKeptInVersions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := begin(t, d, clock)
		by := account.By{Scope: care.Scope{Agent: 1, Stores: []int64{store}, Permissions: map[int64][]care.Permission{store: {care.PermSettings, care.PermCommerceRead}}}}
		save := func(in notify.WordsInput) (notify.WordsOf, error) {
			in.Moment, in.Language = "handed_over", "uk"
			return w.SaveWords(t.Context(), by, store, in)
		}
		first := notify.Template{Subject: "Їде {{ order.number }}", Body: "Ваше замовлення їде.", Short: "Їде {{ order.number }}", Channels: map[string]string{care.ChannelTelegram: "Їде!\n\n{{ order.number }}", care.ChannelViber: "  "}}
		kept, err := save(notify.WordsInput{Template: first, Comment: "коротше"})
		if err != nil || !kept.Own || kept.Version != 1 || len(kept.Template.Channels) != 1 {
			t.Fatalf("%+v %v", kept, err)
		}
		if _, err := save(notify.WordsInput{Template: first}); !errors.Is(err, care.Conflict("stale")) {
			t.Fatalf("an old version was written over: %v", err)
		}
		bad := first
		bad.Channels = map[string]string{care.ChannelTelegram: "Їде\n{{ order.nomer }}"}
		var e *care.Error
		if _, err := save(notify.WordsInput{Template: bad, Version: 1}); !errors.As(err, &e) || e.Field != "channels.telegram" || e.Args["line"] != 2 || e.Args["column"] != 4 {
			t.Fatalf("%v", err)
		}
		bad.Channels = map[string]string{"pigeon": "x"}
		if _, err := save(notify.WordsInput{Template: bad, Version: 1}); !errors.As(err, &e) || e.Code != "notice_channel_unknown" {
			t.Fatalf("%v", err)
		}
		if _, err := save(notify.WordsInput{Template: notify.Template{Subject: "x", Body: "x"}, Version: 1}); !errors.As(err, &e) || e.Field != "short" || e.Code != "required" {
			t.Fatalf("%v", err)
		}
		shown, err := w.ShowWords(t.Context(), by.Scope, store, notify.ShowInput{Language: "uk", Case: "pickup", Moment: "handed_over", Template: first})
		if err != nil || shown.Channels[care.ChannelTelegram].Text != "Їде!\n\n10482" || shown.Short.Text != "Їде 10482" || shown.Letter.Subject != "Їде 10482" {
			t.Fatalf("%+v %v", shown, err)
		}
		overview := func() (uk, pl notify.LanguageWords) {
			t.Helper()
			list, err := w.WordsOverview(t.Context(), by.Scope, store)
			if err != nil || len(list) != len(notify.Moments()) {
				t.Fatal(len(list), err)
			}
			for _, m := range list {
				if m.Moment == "handed_over" {
					if len(m.Channels) == 0 {
						t.Fatal("the policy sends it")
					}
					for _, l := range m.Languages {
						switch l.Language {
						case "uk":
							uk = l
						case "pl":
							pl = l
						}
					}
				}
			}
			return uk, pl
		}
		if uk, pl := overview(); !uk.Own || uk.Behind || len(uk.Channels) != 1 || uk.Segments.Parts != 1 || pl.Own || !pl.Behind {
			t.Fatalf("%+v %+v", uk, pl)
		}
		if kept, err = save(notify.WordsInput{Removed: true, Version: 1}); err != nil || kept.Own || kept.Template.Short != notify.Shipped("handed_over", "uk").Short {
			t.Fatalf("%+v %v", kept, err)
		}
		if _, pl := overview(); pl.Behind {
			t.Fatal("nothing is left behind when all have the shipped words")
		}
		list, err := w.WordsVersions(t.Context(), by.Scope, store, "handed_over", "uk", 0, 10)
		if err != nil || len(list) != 2 || !list[0].Removed || list[1].Comment != "коротше" || list[1].Version != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		if old, err := w.WordsFor(t.Context(), by.Scope, store, "handed_over", "uk", 1); err != nil || old.Template.Subject != first.Subject || old.Version != 2 {
			t.Fatalf("%+v %v", old, err)
		}
	})
}
