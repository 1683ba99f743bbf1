package woocommerce

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/outgoing"
)

const maxAnswer = 32 << 20

// way is how a shop is reached: where its REST root is, and how it takes the keys.
type way struct {
	root string // rootPretty, rootIndex, rootQuery
	auth string // authBasic, authQuery, authOAuth, authHome
}

const (
	rootPretty = "/wp-json"
	rootIndex  = "/index.php/wp-json"
	rootQuery  = "?rest_route=" // plain permalinks

	authBasic = "basic" // over https only: WooCommerce ignores it otherwise
	authQuery = "query" // https, where the web server drops the Authorization header
	authOAuth = "oauth" // http; also https that ends at a proxy of which PHP doesn't know
	authHome  = "home"  // OAuth signed for the address that the site takes for its own
)

// ways lists what is worth trying, the likeliest first.
func (s *session) ways() []way {
	s.mu.Lock()
	known, https := s.way, s.base.Scheme == "https"
	s.mu.Unlock()
	if known != nil {
		return []way{*known}
	}
	auths := []string{authOAuth, authHome}
	if https {
		auths = []string{authBasic, authQuery, authOAuth}
	}
	var out []way
	for _, root := range []string{rootPretty, rootQuery, rootIndex} {
		for _, auth := range auths {
			out = append(out, way{root, auth})
		}
	}
	return out
}

// apiError is an answer that WooCommerce meant as a refusal.
type apiError struct {
	Status  int
	Code    string
	Message string
}

func (e *apiError) Error() string {
	return fmt.Sprintf("the shop answered %d %s: %s", e.Status, e.Code, clip(e.Message, 200))
}

// gone tells whether the thing itself is missing, not the route to it: a shop whose WooCommerce is switched off has deleted nothing.
func (e *apiError) gone() bool {
	return (e.Status == http.StatusNotFound || e.Status == http.StatusGone) && strings.HasSuffix(e.Code, "invalid_id")
}

func isGone(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.gone()
}

// errNoRoute: nothing of WordPress's REST API is at this root.
var errNoRoute = errors.New("there is no WooCommerce REST API at this address")

// errMoved: the site has redirected to another host or to https; base has been corrected.
var errMoved = errors.New("the site has moved")

// call makes a request and reads the answer into out. It finds the way at the first call.
func (s *session) call(ctx context.Context, method, path string, q url.Values, body, out any) (http.Header, error) {
	h, err := s.search(ctx, method, path, q, body, out)
	if errors.Is(err, errMoved) {
		h, err = s.search(ctx, method, path, q, body, out)
	}
	if errors.Is(err, errMoved) {
		err = &care.TemporaryError{Cause: err}
	}
	return h, err
}

func (s *session) search(ctx context.Context, method, path string, q url.Values, body, out any) (http.Header, error) {
	var refused error
	skip := ""
	for _, w := range s.ways() {
		if w.root == skip {
			continue
		}
		h, err := s.try(ctx, w, method, path, q, body, out)
		var auth *care.AuthError
		switch {
		case errors.Is(err, errNoRoute):
			skip = w.root
			if refused == nil {
				refused = err
			}
			continue
		case errors.As(err, &auth):
			if refused == nil || errors.Is(refused, errNoRoute) {
				refused = err
			}
			if readOnly(auth) {
				return nil, err
			}
			continue
		case err == nil, isGone(err):
			s.mu.Lock()
			s.way = &w
			s.mu.Unlock()
		}
		return h, err
	}
	if errors.Is(refused, errNoRoute) {
		refused = &care.TemporaryError{Cause: errNoRoute}
	}
	s.mu.Lock()
	s.way = nil // look again next time: permalinks and proxies change
	s.mu.Unlock()
	return nil, refused
}

func (s *session) try(ctx context.Context, w way, method, path string, q url.Values, body, out any) (http.Header, error) {
	address, err := s.address(ctx, w, method, path, q)
	if err != nil {
		return nil, err
	}
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Opeka (WooCommerce connector)")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if w.auth == authBasic {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.key+":"+s.secret)))
	}
	client := s.client
	if method != http.MethodGet {
		// What changes something isn't sent on: it would be done at the end of the redirect, and again by us once we know the way.
		still := *s.client
		still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		client = &still
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	defer res.Body.Close()
	to := res.Request.URL
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		if next, err := res.Location(); err == nil {
			to = next
		}
	}
	if s.moved(r.URL, to) {
		return nil, errMoved
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return res.Header, read(res, raw, out)
}

// moved follows a site to its other name (www, https) or folder: signatures and headers don't survive a redirect.
func (s *session) moved(asked, answered *url.URL) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.base
	rest := strings.TrimPrefix(asked.Path, next.Path)
	if folder, ok := strings.CutSuffix(answered.Path, rest); ok && len(rest) > 1 {
		next.Path = strings.TrimRight(folder, "/")
	} else if asked.Host == answered.Host && asked.Scheme == answered.Scheme {
		return false
	}
	next.Scheme, next.Host = answered.Scheme, answered.Host
	if next == *s.base {
		return false
	}
	s.base, s.way = &next, nil
	return true
}

// site's address as it is known now.
func (s *session) origin() url.URL {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.base
}

// address builds the URL of a request, signed when the way says so.
func (s *session) address(ctx context.Context, w way, method, path string, q url.Values) (string, error) {
	params := url.Values{}
	for k, v := range q {
		params[k] = v
	}
	u := s.origin()
	prefix := u.Path
	if w.root == rootQuery {
		u.Path += "/"
		params.Set("rest_route", path)
	} else {
		u.Path += w.root + path
	}
	switch w.auth {
	case authQuery:
		params.Set("consumer_key", s.key)
		params.Set("consumer_secret", s.secret)
	case authOAuth, authHome:
		// PHP builds the base string from the site's own address and the scheme that it saw.
		signed := url.URL{Scheme: "http", Host: u.Host, Path: u.Path}
		if w.auth == authHome {
			home, err := s.home(ctx)
			if err != nil {
				return "", err
			}
			signed.Scheme, signed.Host = "http", home.Host
			signed.Path = home.Path + strings.TrimPrefix(u.Path, prefix)
		}
		if w.root == rootQuery {
			signed.Path = strings.TrimRight(signed.Path, "/") // PHP takes the site's own address for it, which has no slash
		}
		if err := sign(params, method, signed, s.key, s.secret, time.Now()); err != nil {
			return "", err
		}
	}
	u.RawQuery = encode(params)
	return u.String(), nil
}

// failed names what went wrong on the way.
func (s *session) failed(ctx context.Context, err error) error {
	var uerr *url.Error
	var later *care.TemporaryError
	cause := err
	if errors.As(err, &uerr) {
		cause = uerr.Err // without the address, which may carry the keys
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &later):
		return later // of the caller's client, which knows for how long to leave the shop alone
	case errors.Is(err, outgoing.ErrInside):
		return &care.Error{Code: "connection.address_inside", Kind: care.KindInvalid, Field: "url", Cause: cause}
	}
	return &care.TemporaryError{Cause: fmt.Errorf("%s: %w", s.origin().Host, cause)}
}

// read judges an answer. It has to tell apart: data; WooCommerce's refusals; a web server, proxy,
// firewall or maintenance page that speaks instead of it.
func read(res *http.Response, raw []byte, out any) error {
	value, isJSON := firstJSON(raw)
	ok := res.StatusCode >= 200 && res.StatusCode < 300
	if ok && isJSON {
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(value, out); err != nil {
			return fmt.Errorf("the shop's answer has another form than expected: %w", err)
		}
		return nil
	}
	var e struct {
		Code    str `json:"code"`
		Message str `json:"message"`
	}
	if isJSON {
		_ = json.Unmarshal(value, &e)
	}
	fault := &apiError{Status: res.StatusCode, Code: string(e.Code), Message: prose(e.Message)}
	if fault.Message == "" && !isJSON {
		fault.Message = pageTitle(raw)
	}
	switch s := res.StatusCode; {
	case ok:
		// A page where data should be: a login wall, "coming soon", or no REST API at this root.
		return fmt.Errorf("%w (it answered with a page: %s)", errNoRoute, clip(fault.Message, 80))
	case s == http.StatusTooManyRequests || s >= 500:
		return &care.TemporaryError{Cause: fault, After: retryAfter(res)}
	case s == http.StatusUnauthorized || s == http.StatusForbidden && isJSON:
		return &care.AuthError{Cause: fault}
	case s == http.StatusForbidden:
		return &care.TemporaryError{Cause: fmt.Errorf("a firewall before the shop refuses us: %w", fault)}
	case s == http.StatusNotFound && (!isJSON || fault.Code == ""):
		return fmt.Errorf("%w (%d)", errNoRoute, s)
	case s == http.StatusNotFound && fault.Code == "rest_no_route":
		return &care.TemporaryError{Cause: fmt.Errorf("WooCommerce isn't active in the shop: %w", fault)}
	case s == http.StatusRequestTimeout || s == http.StatusTooEarly:
		return &care.TemporaryError{Cause: fault}
	}
	return fault
}

// readOnly tells that the key is right but may not write; no other way would change that.
func readOnly(e *care.AuthError) bool {
	var a *apiError
	return errors.As(e, &a) && a.Code == "woocommerce_rest_authentication_error" && strings.Contains(a.Message, "permission")
}

func retryAfter(res *http.Response) time.Duration {
	v := res.Header.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, 24*time.Hour)
	}
	if at, err := http.ParseTime(v); err == nil {
		now := time.Now()
		if d, err := http.ParseTime(res.Header.Get("Date")); err == nil {
			now = d // the shop's clock made the one, so it measures the other
		}
		return min(max(at.Sub(now), 0), 24*time.Hour)
	}
	return 0
}

func pageTitle(page []byte) string {
	if len(page) > 64<<10 {
		page = page[:64<<10]
	}
	low := bytes.ToLower(page)
	if i := bytes.Index(low, []byte("<title")); i >= 0 && len(low) == len(page) {
		if j := bytes.IndexByte(low[i:], '>'); j >= 0 {
			if k := bytes.Index(low[i+j:], []byte("</title")); k >= 0 {
				return prose(str(page[i+j+1 : i+j+k]))
			}
		}
	}
	return clip(prose(str(page)), 120)
}

func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// siteIndex is the part of WordPress's public index that matters.
type siteIndex struct {
	Name      str     `json:"name"`
	URL       str     `json:"url"`
	Home      str     `json:"home"`
	GMTOffset float64 `json:"-"`
	Offset    str     `json:"gmt_offset"`
	Zone      str     `json:"timezone_string"`
	Spaces    list[string]
}

// site reads the public index; it takes no keys, and some shops hide it.
func (s *session) site(ctx context.Context) (siteIndex, error) {
	s.mu.Lock()
	known := s.index
	s.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var last error
	for _, root := range []string{rootPretty, rootQuery, rootIndex} {
		var idx siteIndex
		u := s.origin()
		q := url.Values{"_fields": {"name,description,url,home,gmt_offset,timezone_string,namespaces"}}
		if root == rootQuery {
			u.Path += "/"
			q.Set("rest_route", "/")
		} else {
			u.Path += root + "/"
		}
		u.RawQuery = encode(q)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return siteIndex{}, err
		}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("User-Agent", "Opeka (WooCommerce connector)")
		res, err := s.client.Do(r)
		if err != nil {
			return siteIndex{}, s.failed(ctx, err)
		}
		raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		res.Body.Close()
		if err != nil {
			return siteIndex{}, s.failed(ctx, err)
		}
		if last = read(res, raw, &idx); last == nil {
			s.mu.Lock()
			s.index = &idx
			s.mu.Unlock()
			return idx, nil
		}
		if !errors.Is(last, errNoRoute) {
			return siteIndex{}, last
		}
	}
	return siteIndex{}, last
}

// home is the address that the site takes for its own.
func (s *session) home(ctx context.Context) (*url.URL, error) {
	idx, err := s.site(ctx)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(string(idx.Home))
	if err != nil || u.Host == "" {
		own := s.origin()
		return &own, nil
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// zone is the time zone of the shop, UTC if it doesn't tell.
func (i siteIndex) zone() (*time.Location, string) {
	if i.Zone != "" {
		if l, err := time.LoadLocation(string(i.Zone)); err == nil {
			return l, string(i.Zone)
		}
	}
	if hours, err := strconv.ParseFloat(string(i.Offset), 64); err == nil && hours != 0 && hours > -15 && hours < 15 {
		seconds := int(hours * 3600)
		name := fmt.Sprintf("%+03d:%02d", seconds/3600, abs(seconds)%3600/60)
		return time.FixedZone(name, seconds), name
	}
	return time.UTC, "UTC"
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
