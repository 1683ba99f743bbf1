package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
)

// Taken is a message that a service has taken from us.
type Taken struct {
	To, Text string
	Files    int
}

// ChannelWorld is a service of a written channel in which the suite can make things happen.
type ChannelWorld interface {
	// Connection is one that works; Refused has keys that the service doesn't know.
	Connection() care.Connection
	Refused() care.Connection
	Client() *http.Client
	// Address is of somebody to whom the connection may write; Gone of somebody to whom the service won't deliver.
	Address() string
	Gone() string
	// Taken lists what the service has taken, in order.
	Taken() []Taken
	// Limit makes the service refuse the next n requests and ask to be left alone for some time, as its documentation says; the time is 0 when it can't say.
	Limit(n int) time.Duration
	// Lose makes the answer to the next message get lost after it was taken.
	Lose()
	// Write makes the customer write and returns the push that tells of it; of a service that doesn't push the listener hears it.
	Write(text string) care.Push
}

// PushWorld is a ChannelWorld whose service pushes.
type PushWorld interface {
	ChannelWorld
	// Forge spoils what proves that the push is the service's.
	Forge(p care.Push) care.Push
}

// ListenWorld is a ChannelWorld that is listened to.
type ListenWorld interface {
	ChannelWorld
	// Cut breaks the connections that are open.
	Cut()
}

// ReportWorld is a ChannelWorld that reports what became of a message.
type ReportWorld interface {
	ChannelWorld
	// Report tells of the message with this id; the push is empty when the listener hears it.
	Report(externalID string, state care.DeliveryState) care.Push
}

// FileWorld is a ChannelWorld with files both ways.
type FileWorld interface {
	ChannelWorld
	// WriteFile makes the customer send a file.
	WriteFile(name string, content []byte) care.Push
}

// Channel runs the suite of care.ChannelPlug. world opens a new world for each test.
func Channel(t *testing.T, plug care.ChannelPlug, world func(t *testing.T) ChannelWorld) {
	open := func(t *testing.T, w ChannelWorld, c care.Connection) care.Channel {
		t.Helper()
		ch, err := plug.OpenChannel(c, w.Client())
		if err != nil {
			t.Fatal(err)
		}
		if closer, ok := ch.(io.Closer); ok {
			t.Cleanup(func() { _ = closer.Close() })
		}
		return ch
	}
	t.Run("describes itself", func(t *testing.T) {
		if plug.Name() == "" || plug.Name() != strings.ToLower(plug.Name()) || plug.Channel() == "" {
			t.Errorf("name %q, channel %q", plug.Name(), plug.Channel())
		}
		seen := map[string]bool{}
		for _, f := range plug.Fields() {
			if f.Name == "" || seen[f.Name] {
				t.Errorf("field %q is nameless or twice there", f.Name)
			}
			seen[f.Name] = true
			if !slices.Contains([]string{"text", "secret", "url", "number", "bool", "choice"}, f.Kind) {
				t.Errorf("field %s is of kind %q", f.Name, f.Kind)
			}
		}
	})
	t.Run("names what is missing in the settings", func(t *testing.T) {
		_, err := plug.OpenChannel(care.Connection{Settings: []byte(`{}`), Secrets: []byte(`{}`)}, nil)
		var e *care.Error
		if !errors.As(err, &e) || e.Field == "" || e.Kind != care.KindInvalid {
			t.Errorf("got %v, want an invalid field", err)
		}
		if _, err := plug.OpenChannel(care.Connection{Settings: []byte(`[1`), Secrets: []byte(`"`)}, nil); err == nil {
			t.Error("broken settings are taken")
		}
	})
	t.Run("tests the connection", func(t *testing.T) {
		w := world(t)
		info, err := open(t, w, w.Connection()).Test(t.Context())
		if err != nil || info.Name == "" {
			t.Errorf("%+v %v", info, err)
		}
	})
	t.Run("tells refused keys apart", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Refused())
		_, err := ch.Test(t.Context())
		var auth *care.AuthError
		if !errors.As(err, &auth) {
			t.Errorf("test: %v, want AuthError", err)
		}
		if _, err := ch.Send(t.Context(), outbound(w, "k", "hello")); !errors.As(err, &auth) {
			t.Errorf("send: %v, want AuthError", err)
		}
		if len(w.Taken()) != 0 {
			t.Error("something was taken")
		}
	})
	t.Run("sends text", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Connection())
		for _, text := range []string{"Hello", "Вітаємо! Ваше замовлення <b>№ 5</b> & \"ще\" 🙂"} {
			r, err := ch.Send(t.Context(), outbound(w, "k"+text, text))
			if err != nil || r.ExternalID == "" || r.Parts < 1 {
				t.Fatalf("%+v %v", r, err)
			}
			got := w.Taken()
			if last := got[len(got)-1]; last.To != w.Address() || last.Text != text {
				t.Errorf("taken %+v, want %q", last, text)
			}
		}
	})
	t.Run("says when an address is closed to us", func(t *testing.T) {
		w := world(t)
		m := outbound(w, "k", "hello")
		m.To, m.Thread = w.Gone(), ""
		_, err := open(t, w, w.Connection()).Send(t.Context(), m)
		var r *care.RejectedError
		if !errors.As(err, &r) || r.Code == "" || r.Code == "other" {
			t.Errorf("%v, want a rejection with its reason", err)
		}
	})
	t.Run("refuses what is too long", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Connection())
		most := ch.Can().MaxText
		if most == 0 {
			return
		}
		if _, err := ch.Send(t.Context(), outbound(w, "a", strings.Repeat("a", most))); err != nil {
			t.Errorf("as long as may be: %v", err)
		}
		_, err := ch.Send(t.Context(), outbound(w, "b", strings.Repeat("a", most+1)))
		var r *care.RejectedError
		if !errors.As(err, &r) || r.Code != "too_long" {
			t.Errorf("longer: %v", err)
		}
	})
	t.Run("leaves the service alone when it asks for it", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Connection())
		want := w.Limit(1)
		_, err := ch.Send(t.Context(), outbound(w, "k", "hello"))
		var later *care.TemporaryError
		if !errors.As(err, &later) || want > 0 && later.After != want {
			t.Fatalf("%v, want Temporary after %s", err, want)
		}
		if len(w.Taken()) != 0 {
			t.Error("it was taken all the same")
		}
		if _, err := ch.Send(t.Context(), outbound(w, "k", "hello")); err != nil || len(w.Taken()) != 1 {
			t.Errorf("again: %v, taken %d", err, len(w.Taken()))
		}
	})
	t.Run("knows that it doesn't know", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Connection())
		w.Lose()
		_, err := ch.Send(t.Context(), outbound(w, "k", "hello"))
		var later *care.TemporaryError
		var rejected *care.RejectedError
		if err == nil || errors.As(err, &rejected) || errors.As(err, &later) && !ch.Can().Deduplicates {
			t.Fatalf("%v, want an uncertain outcome", err)
		}
		if ch.Can().Deduplicates {
			if _, err := ch.Send(t.Context(), outbound(w, "k", "hello")); err != nil || len(w.Taken()) != 1 {
				t.Errorf("the same key: %v, taken %d times", err, len(w.Taken()))
			}
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		w := world(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := open(t, w, w.Connection()).Send(ctx, outbound(w, "k", "hello")); err == nil {
			t.Error("sent after the end")
		}
	})
	t.Run("never shows its keys", func(t *testing.T) {
		w := world(t)
		c := w.Connection()
		_, err := open(t, w, c).Send(t.Context(), care.Outbound{Key: "k", To: "\x00", Body: strings.Repeat("x", 100_000)})
		if err == nil {
			t.Fatal("nonsense was taken")
		}
		for _, secret := range secretsOf(c.Secrets) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		}
	})
	t.Run("carries files", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Connection())
		fw, ok := w.(FileWorld)
		if !ok || !ch.Can().Files {
			return
		}
		m := outbound(w, "k", "two of them")
		for _, name := range []string{"a.jpg", "b.pdf"} {
			m.Files = append(m.Files, care.OutboundFile{Name: name, ContentType: map[string]string{"a.jpg": "image/jpeg", "b.pdf": "application/pdf"}[name], Size: 5,
				URL: "https://shop.example/" + name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("12345")), nil }})
		}
		r, err := ch.Send(t.Context(), m)
		if err != nil || r.ExternalID == "" {
			t.Fatalf("%+v %v", r, err)
		}
		files, text := 0, ""
		for _, got := range w.Taken() {
			files, text = files+got.Files, text+got.Text
		}
		if files != 2 || text != "two of them" {
			t.Errorf("taken %+v", w.Taken())
		}
		a := hear(t, ch, fw, func() care.Push { return fw.WriteFile("photo.png", []byte("pixels")) })
		if len(a.Messages) != 1 || len(a.Messages[0].Files) != 1 {
			t.Fatalf("%+v", a)
		}
		ref := a.Messages[0].Files[0]
		content, err := ch.(care.FileFetcher).FetchFile(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		if b, err := io.ReadAll(content); err != nil || string(b) != "pixels" {
			t.Errorf("%q %v", b, err)
		}
		if _, err := ch.(care.FileFetcher).FetchFile(t.Context(), care.FileRef{Ref: "no-such-file"}); err == nil {
			t.Error("a file that isn't there was fetched")
		}
	})
	t.Run("receives", func(t *testing.T) {
		w := world(t)
		ch := open(t, w, w.Connection())
		if !ch.Can().Inbound {
			return
		}
		a := hear(t, ch, w, func() care.Push { return w.Write("Де моє замовлення? 📦") })
		if len(a.Messages) != 1 {
			t.Fatalf("%+v", a)
		}
		m := a.Messages[0]
		if !strings.Contains(m.Body, "Де моє замовлення? 📦") || m.Thread == "" || m.ClientID == "" || len(m.ClientID) > 100 || len(m.From) == 0 || m.From[0].Value == "" {
			t.Errorf("%+v", m)
		}
		b := hear(t, ch, w, func() care.Push { return w.Write("І ще одне") })
		if len(b.Messages) != 1 || b.Messages[0].Thread != m.Thread || b.Messages[0].ClientID == m.ClientID {
			t.Errorf("the next: %+v", b)
		}
		answer := m.Address
		if answer == "" {
			answer = m.Thread
		}
		if _, err := ch.Send(t.Context(), care.Outbound{Key: "r", To: answer, Thread: m.Thread, ReplyTo: m.ClientID, Body: "answer"}); err != nil {
			t.Errorf("the answer: %v", err)
		}
	})
	t.Run("knows a push that comes again, and one that isn't the service's", func(t *testing.T) {
		w := world(t)
		pw, ok := w.(PushWorld)
		if !ok {
			return
		}
		ch := open(t, w, w.Connection()).(care.PushReceiver)
		push := pw.Write("once")
		a, one, err := ch.ReceivePush(push)
		if err != nil || len(a.Messages) != 1 {
			t.Fatalf("%+v %v", a, err)
		}
		again, two, err := ch.ReceivePush(push)
		if err != nil || one != two || again.Messages[0].ClientID != a.Messages[0].ClientID {
			t.Errorf("again: %q and %q, %v", one, two, err)
		}
		if _, three, _ := ch.ReceivePush(pw.Write("twice")); one != "" && three == one {
			t.Error("two messages have one name")
		}
		if _, _, err := ch.ReceivePush(pw.Forge(push)); err == nil {
			t.Error("a forged push was taken")
		}
		for _, body := range []string{"", "{", "[]", `{"x":1}`, "\x00\xff", strings.Repeat("[", 10_000)} {
			bad := push
			bad.Body = []byte(body)
			if a, _, err := ch.ReceivePush(bad); err == nil && len(a.Messages) > 0 {
				t.Errorf("%q gave %+v", body, a)
			}
		}
	})
	t.Run("tells what became of a message", func(t *testing.T) {
		w := world(t)
		rw, ok := w.(ReportWorld)
		ch := open(t, w, w.Connection())
		if !ok {
			if ch.Can().Delivery {
				t.Error("it says that it reports delivery")
			}
			return
		}
		stop, heard := listen(t, ch)
		defer stop()
		r, err := ch.Send(t.Context(), outbound(w, "k", "hello"))
		if err != nil {
			t.Fatal(err)
		}
		states := []care.DeliveryState{care.DeliveryDelivered, care.DeliveryFailed}
		if ch.Can().Read {
			states = append(states, care.DeliveryRead)
		}
		for _, state := range states {
			a := receive(t, ch, rw.Report(r.ExternalID, state), heard)
			if len(a.Reports) != 1 || a.Reports[0].ExternalID != r.ExternalID || a.Reports[0].State != state {
				t.Errorf("%s: %+v", state, a)
			}
			if state == care.DeliveryFailed && a.Reports[0].Code == "" {
				t.Error("failed for no reason")
			}
		}
	})
	t.Run("tells when it was cut off", func(t *testing.T) {
		w := world(t)
		lw, ok := w.(ListenWorld)
		if !ok {
			return
		}
		ch := open(t, w, w.Connection())
		ended := line[error]()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		taken := line[string]()
		go func() {
			ended <- ch.(care.Listener).Listen(ctx, func(_ context.Context, _ []byte, a care.Arrivals, _ string) error {
				if len(a.Messages) > 0 {
					taken <- a.Messages[0].Body
				}
				return nil
			})
		}()
		lw.Write("before")
		<-taken
		lw.Cut()
		select {
		case err := <-ended:
			if err == nil {
				t.Error("it ended as if all were well")
			}
		case <-time.After(2 * time.Minute):
			t.Fatal("it didn't notice")
		}
	})
}

func outbound(w ChannelWorld, key, text string) care.Outbound {
	return care.Outbound{Key: key, To: w.Address(), Thread: w.Address(), Body: text, Subject: "About your order"}
}

func line[T any]() chan T { return make(chan T, 16) }

// listen runs the channel's listener, if it has one that is of use; heard is nil otherwise.
func listen(t *testing.T, ch care.Channel) (stop func(), heard chan care.Arrivals) {
	t.Helper()
	l, ok := ch.(care.Listener)
	if !ok {
		return func() {}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	heard = line[care.Arrivals]()
	var group sync.WaitGroup
	pushed := line[bool]()
	group.Go(func() {
		err := l.Listen(ctx, func(_ context.Context, _ []byte, a care.Arrivals, _ string) error {
			heard <- a
			return nil
		})
		pushed <- errors.Is(err, care.ErrPushed)
	})
	return func() { cancel(); group.Wait() }, heard
}

// receive gives what a push says or, when there is none, what the listener hears.
func receive(t *testing.T, ch care.Channel, p care.Push, heard chan care.Arrivals) care.Arrivals {
	t.Helper()
	if p.Method != "" {
		a, _, err := ch.(care.PushReceiver).ReceivePush(p)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	select {
	case a := <-heard:
		return a
	case <-time.After(2 * time.Minute):
		t.Fatal("nothing was heard")
		return care.Arrivals{}
	}
}

// hear makes something happen and gives what the channel says of it.
func hear(t *testing.T, ch care.Channel, _ ChannelWorld, happen func() care.Push) care.Arrivals {
	t.Helper()
	stop, heard := listen(t, ch)
	defer stop()
	return receive(t, ch, happen(), heard)
}

func secretsOf(raw []byte) (out []string) {
	var m map[string]string
	if json.Unmarshal(raw, &m) == nil {
		for _, v := range m {
			if len(v) >= 6 {
				out = append(out, v)
			}
		}
	}
	return out
}
