package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// wire is one connection over which requests go as bytes: the load runs on the machine that it measures, and a whole HTTP
// client would take from the program as much as the program needs.
type wire struct {
	host string
	conn net.Conn
	in   *bufio.Reader
}

func newWire(url string) *wire { return &wire{host: strings.TrimPrefix(url, "http://")} }

// wires are n connections with one worker each.
func wires(url string, n int) []*wire {
	out := make([]*wire, n)
	for i := range out {
		out[i] = newWire(url)
	}
	return out
}

// do makes a request and returns the body of its answer; header is lines of "Name: value\r\n". Any answer but a success is an error.
func (w *wire) do(ctx context.Context, method, path, header, body string) ([]byte, error) {
	if w.conn == nil {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", w.host)
		if err != nil {
			return nil, err
		}
		w.conn, w.in = conn, bufio.NewReaderSize(conn, 64<<10)
	}
	out, err := w.exchange(method, path, header, body)
	if err != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
	return out, err
}

func (w *wire) exchange(method, path, header, body string) ([]byte, error) {
	_ = w.conn.SetDeadline(time.Now().Add(30 * time.Second))
	var b strings.Builder
	b.Grow(len(path) + len(header) + len(body) + 128)
	b.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + w.host + "\r\n" + header)
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	if _, err := io.WriteString(w.conn, b.String()); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %d %.300s", method, path, answer.StatusCode, out)
	}
	return out, err
}

// post sends a signed body.
func post(ctx context.Context, client *http.Client, url, signature string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Signature", signature)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %d %.300s", url, answer.StatusCode, out)
	}
	return err
}
