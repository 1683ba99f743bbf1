package woo

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Shop) serve(w http.ResponseWriter, r *http.Request) {
	if s.moved != "" && !strings.HasPrefix(r.Host, s.moved) {
		w.Header().Set("Location", s.home()+strings.TrimPrefix(r.URL.RequestURI(), s.folder))
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	path, ok := s.route(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+path+"?"+r.URL.RawQuery)
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	if len(s.faults) > 0 {
		f := s.faults[0]
		s.faults = s.faults[1:]
		if f.retryAfter != "" {
			w.Header().Set("Retry-After", f.retryAfter)
		}
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, f.body)
		return
	}
	if !ok {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		if !s.permalinks {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>My shop</title></head><body>Hello {world} [1]</body></html>")
		return
	}
	if path == "/" || path == "" {
		s.reply(w, r, http.StatusOK, object{"name": "Shop &amp; Co", "description": "", "url": s.home(), "home": s.home(), "gmt_offset": 2,
			"timezone_string": "Europe/Kyiv", "namespaces": []any{"wp/v2", "wc/v3"}})
		return
	}
	if status, code, message := s.authorise(r); status != 0 {
		s.fail(w, r, status, code, message)
		return
	}
	s.resource(w, r, strings.Split(strings.Trim(strings.TrimPrefix(path, "/wc/v3"), "/"), "/"))
}

// route finds the REST route of a request in whichever way it was written.
func (s *Shop) route(r *http.Request) (string, bool) {
	if q := r.URL.Query().Get("rest_route"); q != "" && strings.HasPrefix(r.URL.Path, s.folder+"/") {
		return q, true
	}
	path, inside := strings.CutPrefix(r.URL.Path, s.folder)
	if !inside {
		return "", false
	}
	path = strings.TrimPrefix(path, "/index.php")
	rest, ok := strings.CutPrefix(path, "/wp-json")
	return rest, ok && s.permalinks
}

func (s *Shop) authorise(r *http.Request) (status int, code, message string) {
	keys := map[string]string{Key: Secret, ReadKey: ReadOnly}
	key := ""
	q := r.URL.Query()
	switch {
	case r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https":
		user, pass, ok := r.BasicAuth()
		if !ok {
			user, pass = q.Get("consumer_key"), q.Get("consumer_secret")
		}
		if keys[user] != "" && keys[user] == pass {
			key = user
		}
	case q.Get("oauth_consumer_key") != "":
		k := q.Get("oauth_consumer_key")
		if keys[k] == "" || !s.signed(r, q, keys[k]) {
			return 401, "woocommerce_rest_authentication_error", "Invalid signature - provided signature does not match."
		}
		key = k
	}
	if key == "" { // Basic over http is ignored in silence
		return 401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."
	}
	if key == ReadKey && r.Method != http.MethodGet {
		return 401, "woocommerce_rest_authentication_error", "The API key provided does not have write permissions."
	}
	return 0, "", ""
}

func (s *Shop) signed(r *http.Request, q url.Values, secret string) bool {
	given := q.Get("oauth_signature")
	q.Del("oauth_signature")
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(q)) {
		pairs = append(pairs, raw(k)+"="+raw(q.Get(k)))
	}
	// The site's own address, which has no slash at its end, and what of the path comes after it.
	own := s.home()
	if rest := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, s.folder), "/"); rest != "" {
		own += "/" + rest
	}
	base := r.Method + "&" + raw(own) + "&" + raw(strings.Join(pairs, "&"))
	m := hmac.New(sha256.New, []byte(secret+"&"))
	m.Write([]byte(base))
	return given == base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func raw(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func (s *Shop) resource(w http.ResponseWriter, r *http.Request, p []string) {
	collections := map[string]map[int64]object{"orders": s.orders, "products": s.products, "customers": s.customers, "webhooks": s.hooks}
	id := int64(0)
	if len(p) > 1 {
		id, _ = strconv.ParseInt(p[1], 10, 64)
	}
	route := strings.Join(p, "/")
	switch {
	case route == "data/currencies/current":
		s.reply(w, r, 200, object{"code": s.currency, "name": "Money", "symbol": "&#8372;"})
	case route == "system_status":
		s.reply(w, r, 200, object{"environment": object{"version": "10.3.6"}, "settings": object{"currency": s.currency}})
	case route == "reports/orders/totals":
		var out []object
		for slug, name := range statusNames {
			n := 0
			for _, o := range s.orders {
				if text(o["status"]) == slug {
					n++
				}
			}
			out = append(out, object{"slug": slug, "name": name, "total": n})
		}
		s.reply(w, r, 200, out)
	case route == "products/categories" && r.Method == http.MethodPost:
		s.fail(w, r, 400, "rest_missing_callback_param", "Missing parameter(s): name")
	case len(p) == 1 && collections[p[0]] != nil && r.Method == http.MethodGet:
		s.list(w, r, slices.Collect(maps.Values(collections[p[0]])), p[0])
	case len(p) == 1 && p[0] == "webhooks" && r.Method == http.MethodPost:
		s.createHook(w, r)
	case len(p) == 3 && p[0] == "products" && p[2] == "variations":
		s.list(w, r, s.variations[id], "variations")
	case len(p) == 3 && p[0] == "orders" && s.orders[id] != nil && r.Method == http.MethodGet:
		parts := map[string][]object{"notes": s.notes[id], "refunds": s.refunds[id], "fulfillments": s.fulfilled[id]}
		if p[2] == "refunds" {
			s.list(w, r, parts[p[2]], p[2])
			return
		}
		s.reply(w, r, 200, append([]object{}, parts[p[2]]...))
	case len(p) == 3 && p[0] == "orders" && r.Method == http.MethodPost && s.orders[id] != nil && (p[2] == "notes" || p[2] == "refunds"):
		s.add(w, r, id, p[2])
	case len(p) == 2 && collections[p[0]] != nil:
		s.one(w, r, p[0], id, collections[p[0]])
	default:
		s.fail(w, r, 404, "rest_no_route", "No route was found matching the URL and request method.")
	}
}

func (s *Shop) one(w http.ResponseWriter, r *http.Request, kind string, id int64, from map[int64]object) {
	o := from[id]
	if o == nil && kind == "products" {
		o, _ = s.findProduct(id)
	}
	if o == nil {
		s.fail(w, r, 404, "woocommerce_rest_"+strings.TrimSuffix(kind, "s")+"_invalid_id", "Invalid ID.")
		return
	}
	switch {
	case r.Method == http.MethodGet:
		s.reply(w, r, 200, o)
	case r.Method == http.MethodPut && kind == "orders":
		var in object
		_ = json.NewDecoder(r.Body).Decode(&in)
		status := text(in["status"])
		if statusNames[status] == "" {
			s.fail(w, r, 400, "rest_invalid_param", "Invalid parameter(s): status")
			return
		}
		s.setStatus(id, status)
		s.reply(w, r, 200, o)
	case r.Method == http.MethodPut && kind == "webhooks":
		var in object
		_ = json.NewDecoder(r.Body).Decode(&in)
		for _, k := range []string{"status", "name", "delivery_url"} {
			if v := text(in[k]); v != "" {
				o[k] = v
			}
		}
		if v := text(in["secret"]); v != "" {
			s.secrets[id] = v
		}
		if text(o["status"]) == "active" {
			s.failures[id] = 0
		}
		s.reply(w, r, 200, o)
	case r.Method == http.MethodDelete && kind == "webhooks":
		delete(s.hooks, id)
		delete(s.secrets, id)
		s.reply(w, r, 200, o)
	default:
		s.fail(w, r, 404, "rest_no_route", "No route was found matching the URL and request method.")
	}
}

var hookTopics = []string{"coupon.created", "coupon.updated", "coupon.deleted", "coupon.restored", "customer.created", "customer.updated", "customer.deleted",
	"order.created", "order.updated", "order.deleted", "order.restored", "product.created", "product.updated", "product.deleted", "product.restored"}

func (s *Shop) createHook(w http.ResponseWriter, r *http.Request) {
	var in object
	_ = json.NewDecoder(r.Body).Decode(&in)
	topic, address := text(in["topic"]), text(in["delivery_url"])
	if !slices.Contains(hookTopics, topic) && !strings.HasPrefix(topic, "action.") {
		s.fail(w, r, 400, "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")
		return
	}
	h := object{"id": s.id(), "name": in["name"], "status": "active", "topic": topic, "delivery_url": address}
	s.stamp(h, "date_created")
	id := number(h["id"])
	s.hooks[id], s.secrets[id] = h, text(in["secret"])
	s.mu.Unlock() // the ping goes out before the answer, and its receiver may ask us something
	ping(address, id)
	s.mu.Lock()
	s.reply(w, r, 201, h)
}

func (s *Shop) list(w http.ResponseWriter, r *http.Request, all []object, kind string) {
	q := r.URL.Query()
	per := atoi(q.Get("per_page"), 10)
	if per > 100 || per < 1 {
		s.fail(w, r, 400, "rest_invalid_param", "Invalid parameter(s): per_page")
		return
	}
	after, before := q.Get("modified_after"), q.Get("modified_before")
	include := strings.Split(q.Get("include"), ",")
	kept := make([]object, 0, len(all))
	for _, o := range all {
		at := text(o["date_modified_gmt"])
		status := text(o["status"])
		switch {
		case kind == "products" && (status == "trash") != (q.Get("status") == "trash"),
			kind != "products" && q.Get("status") != "" && q.Get("status") != "any" && !slices.Contains(strings.Split(q.Get("status"), ","), status),
			kind == "customers" && q.Get("role") != "all" && text(o["role"]) != "customer",
			kind != "customers" && after != "" && at <= after,
			kind != "customers" && before != "" && at >= before,
			include[0] != "" && !slices.Contains(include, strconv.FormatInt(number(o["id"]), 10)):
			continue
		}
		kept = append(kept, o)
	}
	slices.SortFunc(kept, func(a, b object) int {
		c := cmp.Compare(number(a["id"]), number(b["id"]))
		if by := q.Get("orderby"); by == "modified" {
			c = cmp.Compare(text(a["date_modified_gmt"]), text(b["date_modified_gmt"])) // ties come in any order
		} else if by != "id" {
			c = cmp.Or(cmp.Compare(text(a["date_created_gmt"]), text(b["date_created_gmt"])), c)
		}
		if q.Get("order") != "asc" {
			c = -c
		}
		return c
	})
	total := len(kept)
	offset := (max(atoi(q.Get("page"), 1), 1) - 1) * per
	if q.Get("offset") != "" {
		offset = atoi(q.Get("offset"), 0)
	}
	w.Header().Set("X-WP-Total", strconv.Itoa(total))
	w.Header().Set("X-WP-TotalPages", strconv.Itoa((total+per-1)/per))
	s.reply(w, r, 200, kept[min(offset, total):min(offset+per, total)])
}

func atoi(s string, or int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return or
}

func (s *Shop) reply(w http.ResponseWriter, _ *http.Request, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(s.noise), mustJSON(v)...))
}

func (s *Shop) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	s.reply(w, r, status, object{"code": code, "message": message, "data": object{"status": status}})
}

// At moves the time of change of an order, product or customer; tests of paging need ties and pasts.
func (s *Shop) At(id int64, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range []map[int64]object{s.orders, s.products, s.customers} {
		if o := m[id]; o != nil {
			o["date_modified_gmt"] = t.UTC().Format(wooTime)
			o["date_modified"] = t.In(s.zone).Format(wooTime)
		}
	}
}

// String describes the shop in a failed test.
func (s *Shop) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("shop with %d orders, %d products, %d customers, %d hooks", len(s.orders), len(s.products), len(s.customers), len(s.hooks))
}
