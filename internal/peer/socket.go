package peer

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Socket hears what happens while it happens, as an agent's console or a visitor's panel does.
type Socket struct {
	conn *websocket.Conn
}

// Listen opens the agent's socket with the session that he has.
func (o *Office) Listen(ctx context.Context) (*Socket, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for _, c := range o.HTTP.Jar.Cookies(u) {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	return dial(ctx, o.URL+"/live/agent", header, `{"id":1,"connect":{}}`)
}

// Listen opens the visitor's socket; he has arrived before.
func (v *Visitor) Listen(ctx context.Context) (*Socket, error) {
	return dial(ctx, v.URL+"/live/visitor", nil, fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, v.Token))
}

// dial connects, and returns when the program has accepted.
func dial(ctx context.Context, address string, header http.Header, hello string) (*Socket, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(address, "http"), &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	s := &Socket{conn}
	if err := conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	_, frame, err := conn.Read(ctx)
	if err == nil && !bytes.Contains(frame, []byte(`"connect"`)) {
		err = fmt.Errorf("%s: refused: %.200s", address, frame)
	}
	if err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	return s, nil
}

// Hear gives every frame to f and answers the program's pings, until the socket closes. A frame is one publication or more, a line each.
func (s *Socket) Hear(ctx context.Context, f func(frame []byte)) error {
	for {
		_, frame, err := s.conn.Read(ctx)
		if err != nil {
			return err
		}
		if len(frame) <= 3 { // a ping: the empty command
			if err := s.conn.Write(ctx, websocket.MessageText, []byte(`{}`)); err != nil {
				return err
			}
			continue
		}
		f(frame)
	}
}

// Close hangs up.
func (s *Socket) Close() { _ = s.conn.CloseNow() }
