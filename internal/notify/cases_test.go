package notify

import (
	"slices"
	"testing"
	"time"

	"opeka/internal/care"
)

func kyiv(t testing.TB) StoreFacts {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	return StoreFacts{ID: 7, Name: "Стежка", Language: "uk", Color: "#3b5bdb", Zone: zone}
}

// playCaseOf returns what rings and what is written in a case, as moment:channel, and the whole play.
func playOf(t testing.TB, key string) (sent []string, all []Entry) {
	t.Helper()
	f := kyiv(t)
	p, err := Compile(DefaultPolicy(), 0, f.Zone)
	if err != nil {
		t.Fatal(err)
	}
	sc, ok := caseScript(key, f, "uk", time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC))
	if !ok {
		t.Fatalf("no case %s", key)
	}
	all = Simulate(sc, p, Shipped)
	for _, e := range all {
		if e.Kind == "sent" {
			sent = append(sent, e.Moment+":"+e.Channel)
			if e.Words == nil || e.Words.Text == "" || e.Problem != "" {
				t.Errorf("%s: %s has no words: %s", key, e.Notice, e.Problem)
			}
		}
	}
	return sent, all
}

func TestCasesShowWhatCustomersGet(t *testing.T) {
	for key, want := range map[string][]string{
		"pickup":       {"accepted:email", "payment_received:viber", "confirmed:email", "handed_over:email", "handed_over:viber", "at_pickup_point:email", "at_pickup_point:viber", "delivered:email"},
		"courier":      {"accepted:email", "confirmed:email", "handed_over:email", "handed_over:viber", "out_for_delivery:email", "out_for_delivery:viber", "delivered:email"},
		"paid_at_once": {"accepted:email", "confirmed:email", "handed_over:email", "handed_over:viber", "at_pickup_point:email", "at_pickup_point:viber", "delivered:email"},
		"unpaid":       {"accepted:email", "payment_missing:email", "cancelled:email"},
		"out_of_stock": {"reservation_failed:viber", "accepted:email", "confirmed:email", "handed_over:email", "handed_over:viber", "at_pickup_point:email", "at_pickup_point:viber", "delivered:email"},
		"do_not_call":  {"reservation_failed:viber", "cancelled:email"},
		"early":        {"accepted:email", "payment_received:viber", "confirmed:email", "handed_over:email", "handed_over:viber", "arrived_early:email", "arrived_early:viber", "delivered:email"},
		"cancelled":    {"accepted:email", "payment_received:viber", "cancelled:email", "refunded:email"},
		"refund_late":  {"accepted:email", "payment_received:viber", "cancelled:email", "refund_overdue:viber"},
		"opted_out":    {"accepted:email", "payment_received:email", "confirmed:email", "handed_over:email", "at_pickup_point:email", "delivered:email"},
		"coalesced":    {"at_pickup_point:email", "at_pickup_point:viber", "delivered:email"},
	} {
		sent, all := playOf(t, key)
		if !slices.Equal(sent, want) {
			t.Errorf("%s:\n%v, want\n%v", key, sent, want)
			for _, e := range all {
				t.Logf("  %s %s %s %s %s %s %s", e.At.Format("02 15:04"), e.Kind, e.Event, e.Notice, e.Channel, e.Reason, e.Problem)
			}
		}
	}
}

// Every case plays, ends, and shows neither a message at night on what rings nor a refusal without a reason.
func TestEveryCasePlays(t *testing.T) {
	zone := kyiv(t).Zone
	for _, key := range Cases() {
		sent, all := playOf(t, key)
		if len(sent) == 0 {
			t.Errorf("%s tells nothing", key)
		}
		for _, e := range all {
			if h := e.At.In(zone).Hour(); e.Kind == "sent" && e.Channel != care.ChannelEmail && (h >= 21 || h < 9) {
				t.Errorf("%s: %s rings at %d", key, e.Notice, h)
			}
			if e.Kind == "withheld" && e.Reason == "" {
				t.Errorf("%s: %s withheld without a reason", key, e.Notice)
			}
		}
	}
	if _, all := playOf(t, "do_not_call"); !slices.ContainsFunc(all, func(e Entry) bool { return e.Kind == "work" && e.Work == care.WorkTask && e.Reason == ReasonNoCall }) {
		t.Error("who doesn't want to be called is to be written to by a person")
	}
	if _, all := playOf(t, "lost_messenger"); !slices.ContainsFunc(all, func(e Entry) bool {
		return e.Kind == "sent" && e.Channel == care.ChannelSMS && e.Reason == ReasonFallback
	}) {
		t.Error("SMS should take over")
	}
	if _, all := playOf(t, "not_fetched"); !slices.ContainsFunc(all, func(e Entry) bool { return e.Kind == "exception" && e.Problem == "exception.storage_ending" }) {
		t.Error("nobody notices that the parcel isn't fetched")
	}
}
