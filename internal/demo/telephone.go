package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/demo/town"
	"opeka/internal/peer"
	"opeka/internal/sound/wav"
	"opeka/internal/text"
)

// The shop's number, and the account of its trunk at the demo's telephone company.
const (
	shopNumber  = "+380440001122"
	townAccount = "stezhka"
)

// awaited are goods that nobody brings by himself: whoever tries the demo does, and sees who is rung.
var awaited = []string{"p15-a", "p03-c"}

// telephone is the part of the storefront where whoever tries the demo holds the shoppers' telephones.
type telephone struct {
	town   *town.Town
	shop   *shop
	office *peer.Office
}

// number is a shopper's telephone number as it is dialled.
func (p person) number() string { return text.ParsePhone(p.phone, p.country).E164 }

// settle gives every shopper a telephone. Most take it off; one in eight is out, one has it in use.
func settle(t *town.Town, people []person) {
	for n, p := range people {
		mood := town.Answers
		switch {
		case n >= shown && n%8 == 3:
			mood = town.Out
		case n >= shown && n%8 == 6:
			mood = town.Busy
		}
		t.Settle(town.Person{Number: p.number(), Name: p.name(), Language: p.language, Mood: mood})
	}
}

// shown are the shoppers whom whoever tries the demo may be.
const shown = 8

func (t *telephone) routes(mux *http.ServeMux, f *storefront) {
	mux.HandleFunc("GET /telephone", func(w http.ResponseWriter, r *http.Request) { t.page(w, r, f) })
	mux.HandleFunc("GET /telephone/calls", t.calls)
	mux.HandleFunc("GET /telephone/listen/{id}", t.listen)
	mux.HandleFunc("POST /telephone/ring", t.ring)
	mux.HandleFunc("POST /telephone/mood", t.mood)
	mux.HandleFunc("POST /telephone/{id}/{act}", t.act)
	mux.HandleFunc("POST /restock", t.restock)
	mux.HandleFunc("GET /telephone.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "pages/telephone.js") })
}

type handset struct {
	town.Person
	Index int
}

// missingGoods is something that has run out.
type missingGoods struct {
	Name, Variant, Page string
}

func (t *telephone) page(w http.ResponseWriter, r *http.Request, f *storefront) {
	v := f.view(r, "Телефон")
	for n, p := range v.People {
		if one, ok := t.town.Person(p.number()); ok {
			v.Handsets = append(v.Handsets, handset{one, n})
		}
	}
	v.Missing, v.ShopNumber, v.Registered = t.shop.missing(), shopNumber, t.town.Registered()
	f.show(w, "telephone.html", v)
}

func (t *telephone) mood(w http.ResponseWriter, r *http.Request) {
	if !t.town.SetMood(r.FormValue("number"), town.Mood(r.FormValue("mood"))) {
		http.NotFound(w, r)
		return
	}
	back(w, r)
}

func (t *telephone) ring(w http.ResponseWriter, r *http.Request) {
	if _, err := t.town.Call(r.FormValue("number"), shopNumber); err != nil && !errors.Is(err, town.ErrNobody) {
		http.Error(w, "Телефонна мережа не з'єднує: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	back(w, r)
}

func (t *telephone) act(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	c := t.town.Find(id)
	if c == nil {
		http.NotFound(w, r)
		return
	}
	switch act := r.PathValue("act"); act {
	case "answer":
		_ = c.Answer()
	case "hangup":
		_ = c.Hangup()
	case "1", "2", "3", "4", "5", "6", "7", "8", "9", "0":
		_ = c.Press(rune(act[0]))
	default:
		http.NotFound(w, r)
		return
	}
	back(w, r)
}

func (t *telephone) restock(w http.ResponseWriter, r *http.Request) {
	if !t.shop.bring(r.FormValue("variant"), 5) {
		http.NotFound(w, r)
		return
	}
	back(w, r)
}

// back returns to the page that the form stood on, one of ours.
func back(w http.ResponseWriter, r *http.Request) {
	to := r.FormValue("back")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, "\\") {
		to = "/telephone"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

type callView struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Number  string `json:"number"`
	ToHim   bool   `json:"to_him"`
	State   string `json:"state"`
	Cause   string `json:"cause"`
	Keys    string `json:"keys"`
	Seconds int64  `json:"seconds"`
	Said    string `json:"said"`
	System  string `json:"system"` // what the shop does with the call, in words
	HeardMS int64  `json:"heard_ms"`
}

// calls tells what goes on on the shoppers' telephones, and what the shop's system does meanwhile.
func (t *telephone) calls(w http.ResponseWriter, r *http.Request) {
	out := []callView{}
	live := false
	for _, c := range t.town.Calls() {
		state, cause, keys := c.State()
		v := callView{ID: c.ID, Name: c.Person.Name, Number: c.Person.Number, ToHim: c.ToHim, State: string(state), Cause: string(cause), Keys: keys,
			Seconds: int64(time.Since(c.Since).Seconds()), Said: c.Said(), HeardMS: c.Heard().Milliseconds()}
		live = live || state != town.Over
		out = append(out, v)
	}
	if live {
		t.caption(r.Context(), out)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out)
}

// caption adds how the calls stand in the shop's system, as its own API tells.
func (t *telephone) caption(ctx context.Context, out []callView) {
	var list struct {
		Items []struct {
			ID     int64  `json:"id"`
			Number string `json:"number"`
			State  string `json:"state"`
			Result string `json:"result"`
		} `json:"items"`
	}
	if err := t.office.Do(ctx, http.MethodGet, "/calls?live=true", nil, &list); err != nil {
		return
	}
	place := 0
	slices.Reverse(list.Items) // the oldest first
	for _, c := range list.Items {
		said := map[string]string{"announcing": "Система вітає й розповідає, що буде далі.", "offered": "Дзвінок показано агентові.", "talking": "На лінії агент.", "held": "Агент утримує дзвінок: грає музика.",
			"ringing": "Система дзвонить покупцеві.", "dialing": "Система дзвонить покупцеві."}[c.State]
		if c.State == "waiting" {
			place++
			said = fmt.Sprintf("У черзі, місце %d. Натисніть 1, щоб зберегти місце й покласти слухавку.", place)
			if c.Result == "queued" {
				said = "Місце збережено: можна класти слухавку, система передзвонить."
			}
		}
		for i := range out {
			if out[i].Number == c.Number && out[i].State != string(town.Over) {
				out[i].System = said
			}
		}
	}
}

// listen is what a shopper hears, as a WAV that goes on as long as the call.
func (t *telephone) listen(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	c := t.town.Find(id)
	if c == nil {
		http.NotFound(w, r)
		return
	}
	heard, stop := c.Listen()
	defer stop()
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(wav.Header(wav.Format{Channels: 1, Rate: 8000, Bits: 16}, 1<<31-1))
	out := http.NewResponseController(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case f, more := <-heard:
			if !more {
				return
			}
			b := make([]byte, 0, 2*len(f))
			for _, s := range f {
				b = append(b, byte(s), byte(uint16(s)>>8))
			}
			if _, err := w.Write(b); err != nil {
				return
			}
			_ = out.Flush()
		}
	}
}

// bring puts pieces of a variant on the shelf, and tells Opeka by the shop's own push.
func (s *shop) bring(variant string, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.state.Stock[variant+"@"+locations[0].id]
	if l == nil {
		return false
	}
	l.OnHand += n
	l.Incoming, l.IncomingAt = 0, time.Time{}
	s.told(l.item(s.now()))
	s.save()
	return true
}

// missing lists what has run out.
func (s *shop) missing() (out []missingGoods) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range catalogue {
		for i := range p.stock {
			if s.available(p.variantID(i)) == 0 {
				out = append(out, missingGoods{p.label(i), p.variantID(i), "/p/" + p.id})
			}
		}
	}
	return out
}

// connectTelephone makes what an owner makes before his shop is on the telephone: the trunk, a queue, the rules that make calls and a script; in later
// runs it tells the trunk where the telephone company listens now.
func (k *keep) connectTelephone(ctx context.Context, office *peer.Office, server string) error {
	settings := map[string]any{"mode": "register", "server": server, "user": townAccount, "password": k.TownPassword, "caller_id": shopNumber, "keepalive": 5}
	if k.Trunk != 0 {
		return office.Do(ctx, http.MethodPatch, fmt.Sprintf("/connections/%d", k.Trunk), map[string]any{"settings": map[string]any{"server": server}}, nil)
	}
	var trunk made
	if err := office.Do(ctx, http.MethodPost, "/connections", map[string]any{"store_id": k.Store, "plug": "sip", "name": "Міська телефонна мережа (демо)", "settings": settings}, &trunk); err != nil {
		return err
	}
	if err := office.Do(ctx, http.MethodPost, "/phone-queues", map[string]any{"store_id": k.Store, "name": "Магазин", "numbers": []string{shopNumber}, "announce_s": 30}, nil); err != nil {
		return err
	}
	set := map[string]any{}
	path := fmt.Sprintf("/stores/%d/callback-rules", k.Store)
	if err := office.Do(ctx, http.MethodGet, path, nil, &set); err != nil {
		return err
	}
	rules, _ := set["rules"].([]any)
	for _, r := range rules {
		if rule, ok := r.(map[string]any); ok && (rule["trigger"] == "payment" || rule["trigger"] == "parcel") {
			rule["active"] = true
		}
	}
	// Whoever tries the demo does so at any hour, and more than three times.
	policy, _ := set["policy"].(map[string]any)
	policy["from"], policy["to"], policy["per_day"] = "00:00", "24:00", 20
	if err := office.Do(ctx, http.MethodPut, path, map[string]any{"policy": policy, "rules": rules}, nil); err != nil {
		return err
	}
	for _, s := range scripts {
		body := map[string]any{"store_id": k.Store, "name": s.name, "purpose": s.purpose, "body": s.body}
		if err := office.Do(ctx, http.MethodPost, "/scripts", body, nil); err != nil {
			return fmt.Errorf("script %q: %w", s.name, err)
		}
	}
	k.Trunk = trunk.ID
	return k.save()
}

// wait has some shoppers ask, in the widget, to be rung when what has run out is there.
func (s *shoppers) wait(ctx context.Context, k *keep) error {
	for i, n := range []int{0, 2, 5, 9, 12} {
		ref := awaited[0]
		if i == 3 {
			ref = awaited[1]
		}
		v, err := s.visitor(ctx, n)
		if err != nil {
			return err
		}
		var page struct {
			Goods struct {
				Variants []struct {
					ID    int64 `json:"id"`
					There bool  `json:"there"`
				} `json:"variants"`
			} `json:"goods"`
		}
		if err := v.Do(ctx, http.MethodGet, "/calls?ref="+ref, nil, &page); err != nil {
			return err
		}
		if len(page.Goods.Variants) != 1 || page.Goods.Variants[0].There {
			continue // it has been brought in already
		}
		err = v.Do(ctx, http.MethodPost, "/calls", map[string]any{"client_id": "demo-wait-" + ref, "number": s.shop.state.People[n].phone, "variant_id": page.Goods.Variants[0].ID, "how": "call", "quantity": 1}, nil)
		if err != nil {
			return err
		}
	}
	k.Waiting = true
	return k.save()
}
