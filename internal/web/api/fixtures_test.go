package api

import (
	"bytes"
	"context"
	"net/http"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/digital"
	"opeka/internal/find"
	"opeka/internal/inbox"
	"opeka/internal/know"
	"opeka/internal/notify"
	"opeka/internal/phone"
	"opeka/internal/post"
	"opeka/internal/text/fill"
	"opeka/internal/webhook"
	"opeka/internal/work"
)

// fixtures makes one thing of a store for each address that names a thing, by the path before its first parameter. A room that
// adds such a route adds a line, so that the walks in routes_test.go prove that its things stay within their store.
var fixtures = map[string]func(s *desk, store int64) int64{
	"/stores":      func(_ *desk, store int64) int64 { return store },
	"/agents":      func(s *desk, store int64) int64 { return s.staff(store) },
	"/me/sessions": func(s *desk, store int64) int64 { return s.sessionOf(s.staff(store)) },
	"/teams": func(s *desk, store int64) int64 {
		name := "Team"
		var made account.Team
		s.do(s.admin, "POST", "/teams", NewTeam{store, account.TeamChange{Name: &name}}, 201, &made)
		return made.ID
	},
	"/departments": func(s *desk, store int64) int64 {
		var made account.Department
		s.do(s.admin, "POST", "/departments", NewDepartment{store, "Sales"}, 201, &made)
		return made.ID
	},
	"/keys": func(s *desk, store int64) int64 {
		var made CreatedKey
		s.do(s.admin, "POST", "/keys", NewKey{store, "test", []care.Permission{care.PermIngest}}, 201, &made)
		return made.Key.ID
	},
	"/connections": func(s *desk, store int64) int64 {
		var made account.Connection
		s.do(s.admin, "POST", "/connections", NewConnection{store, "fake", account.ConnectionChange{Settings: map[string]any{"url": "https://shop.example", "token": "t"}}}, 201, &made)
		return made.ID
	},

	"/queues": func(s *desk, store int64) int64 {
		var made inbox.Queue
		s.do(s.admin, "POST", "/queues", newQueue{store, QueueSettings{Name: "Returns"}}, 201, &made)
		return made.ID
	},
	"/topics": func(s *desk, store int64) int64 {
		var made inbox.Topic
		s.do(s.admin, "POST", "/topics", newTopic{store, TopicSettings{Name: "Delivery"}}, 201, &made)
		return made.ID
	},
	"/macros": func(s *desk, store int64) int64 {
		var made inbox.Macro
		s.do(s.admin, "POST", "/macros", newMacro{store, "Hello", map[string]string{"en": "Hello {customer.first_name}"}}, 201, &made)
		return made.ID
	},
	"/conversations": func(s *desk, store int64) int64 { return s.chat(store).Conversation },
	"/customers":     func(s *desk, store int64) int64 { return s.chat(store).Customer },
	"/messages":      func(s *desk, store int64) int64 { return s.letter(store) },
	"/attachments": func(s *desk, store int64) int64 {
		s.t.Helper()
		file, err := s.api.Inbox.Upload(s.t.Context(), inbox.Upload{Store: store, OwnerKind: care.ActorCustomer, Owner: "visitor", Name: "note.txt", Content: bytes.NewReader([]byte("a note"))})
		if err != nil {
			s.t.Fatal(err)
		}
		s.chat(store, file.ID)
		return file.ID
	},

	"/electronic-goods": func(s *desk, store int64) int64 { return s.electronic(store, digital.KindFile).ID },
	"/electronic-pieces": func(s *desk, store int64) int64 {
		g, piece := s.electronic(store, digital.KindFile), s.db.ID()
		s.write(func(tx *db.Tx) {
			tx.Defer(`INSERT INTO digital_pieces (id, store_id, order_id, goods_id, variant_id, unit, name, kind, state, key_id, content, hint, batch, downloads, problem, seen_at, short_at, delivered_at, withdrawn_at, created_at)
VALUES ($1, $2, 1, $3, $4, $1, 'A book', 'file', 'delivered', 0, $5, 'book.pdf', 0, 0, '', 0, 0, 0, 0, 0)`, piece, store, g.ID, g.Variant, []byte{})
		})
		return piece
	},
	"/orders": func(s *desk, store int64) int64 {
		order := s.db.ID()
		s.write(func(tx *db.Tx) {
			tx.Defer(`INSERT INTO orders (id, store_id, connection_id, external_id, customer_id, number, order_state, payment_state, fulfilment_state, stage, open, currency, total, ship_to, bill_to, tags, custom, placed_at, updated_at, fetched_at)
VALUES ($1, $2, 1, $3, 0, 'A-1', 'placed', 'unpaid', 'unfulfilled', 'placed', TRUE, 'UAH', 100, '{}', '{}', '[]', '{}', 0, 0, 0)`, order, store, id(order))
		})
		return order
	},

	"/phone-queues": func(s *desk, store int64) int64 {
		var made phone.Queue
		s.do(s.admin, "POST", "/phone-queues", NewPhoneQueue{store, PhoneQueueSettings{Name: "Sales", Overflow: "callback", Announce: 45}}, 201, &made)
		return made.ID
	},
	"/calls": func(s *desk, store int64) int64 {
		s.t.Helper()
		call := s.db.ID()
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO calls (id, store_id, direction, state, number, created_at) VALUES ($1, $2, 'in', 'ended', '+380671112233', $3)`, call, store, db.At(tx.Now))
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return call
	},
	"/handsets": func(s *desk, store int64) int64 {
		s.t.Helper()
		handset := s.db.ID()
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO handsets (id, store_id, agent_id, name, secret, created_at) VALUES ($1, $2, 0, $3, $4, $5)`, handset, store, id(handset), []byte{}, db.At(tx.Now))
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return handset
	},
	"/recordings": func(s *desk, store int64) int64 {
		s.t.Helper()
		call, recording := s.db.ID(), s.db.ID()
		key := "recordings/" + id(recording) + ".wav"
		if err := s.files.Put(s.t.Context(), key, bytes.NewReader([]byte("sound")), 5, "audio/wav"); err != nil {
			s.t.Fatal(err)
		}
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO calls (id, store_id, direction, state, number, created_at) VALUES ($1, $2, 'in', 'ended', '+380671112233', $3)`, call, store, db.At(tx.Now))
			tx.Defer(`INSERT INTO recordings (id, store_id, call_id, kind, state, life_id, pauses, peaks, blob_key, size, started_at) VALUES ($1, $2, $3, 'call', 'stored', 1, '[]', '[]', $4, 5, $5)`,
				recording, store, call, key, db.At(tx.Now))
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return recording
	},
	"/callbacks": func(s *desk, store int64) int64 {
		var made phone.Callback
		s.do(s.admin, "POST", "/callbacks", NewCallback{StoreID: store, Number: "+380671112233"}, 201, &made)
		return made.ID
	},
	"/stock-subscriptions": func(s *desk, store int64) int64 {
		s.t.Helper()
		product, variant := s.db.ID(), s.db.ID()
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO products (id, store_id, connection_id, external_id, name, folded, categories, updated_at) VALUES ($1, $2, 1, $3, 'Coat', 'coat', '[]', 1)`, product, store, id(product))
			tx.Defer(`INSERT INTO variants (id, store_id, connection_id, product_id, external_id, options, price, currency) VALUES ($1, $2, 1, $3, $4, '[]', 100, 'UAH')`, variant, store, product, id(variant))
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		var made phone.Subscription
		s.do(s.admin, "POST", "/stock-subscriptions", NewSubscription{StoreID: store, Variant: variant, Number: "+380671112233", How: "call", Quantity: 1}, 201, &made)
		return made.ID
	},

	"/jobs/dead": func(s *desk, store int64) int64 {
		s.t.Helper()
		dead := s.db.ID()
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(s.t.Context(), `INSERT INTO jobs (id, store_id, kind, key, event_id, payload, state, run_at, max_attempts, last_error, created_at)
VALUES ($1, $2, 'test.failed', '', 0, '{}', 'dead', $3, 1, 'it failed', $3)`, dead, store, db.At(tx.Now))
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return dead
	},

	"/arrivals/dead": func(s *desk, store int64) int64 {
		s.t.Helper()
		dead := s.db.ID()
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO post_arrivals (id, push_id, store_id, connection_id, kind, thread, body, state, next_at, received_at) VALUES ($1, $1, $2, 1, 'message', 't', '{}', 'dead', 1, 1)`, dead, store)
			tx.Defer(`INSERT INTO post_pushes (id, store_id, connection_id, channel, delivery, verdict, raw, raw_key, received_at) VALUES ($1, $2, 1, 'telegram', $3, 'accepted', $4, '', 1)`, dead, store, id(dead), []byte("{}"))
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return dead
	},
	"/scripts": func(s *desk, store int64) int64 { return s.script(store).ID },
	"/script-runs": func(s *desk, store int64) int64 {
		var sc know.Scene
		s.do(s.admin, "POST", "/script-runs", know.Beginning{Store: store, Script: s.script(store).ID}, 201, &sc)
		return sc.Run.ID
	},
	"/tasks": func(s *desk, store int64) int64 {
		var made work.Task
		s.do(s.admin, "POST", "/tasks", work.NewTask{Store: store, Title: "Look into it"}, 201, &made)
		return made.ID
	},
	"/inquiries": func(s *desk, store int64) int64 {
		var department account.Department
		s.do(s.admin, "POST", "/departments", NewDepartment{store, "Warehouse"}, 201, &department)
		var made work.Inquiry
		s.do(s.admin, "POST", "/inquiries", work.Question{Store: store, Department: department.ID, Text: "Is it there?"}, 201, &made)
		return made.ID
	},

	"/webhooks": func(s *desk, store int64) int64 { return s.endpoint(store) },
	"/deliveries": func(s *desk, store int64) int64 {
		s.t.Helper()
		endpoint, delivery := s.endpoint(store), s.db.ID()
		err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(s.t.Context(), `INSERT INTO webhook_deliveries (id, endpoint_id, store_id, event_id, event_type, body, state, created_at)
VALUES ($1, $2, $3, 1, 'order.created', '{}', 'failed', $4)`, delivery, endpoint, store, db.At(tx.Now))
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return delivery
	},
}

// bodies are for operations whose smallest valid body can't be guessed from its schema; STORE stands for the store's id.
var bodies = map[string]string{
	"set-phone-prompt":    "RIFF",
	"set-electronic-file": "a book",
	"create-webhook":      `{"store_id":STORE,"url":"https://hooks.example"}`,
	"add-script":          `{"store_id":STORE,"name":"x","body":{"start":"a","steps":[{"key":"a","title":{"en":"A"},"say":{"en":"Hi"},"outcome":"done"}]}}`,
	"change-script":       `{"name":"x","body":{"start":"a","steps":[{"key":"a","title":{"en":"A"},"say":{"en":"Hi"},"outcome":"done"}]}}`,
	"rehearse-script":     `{"store_id":STORE,"language":"en","body":{"start":"a","steps":[{"key":"a","title":{"en":"A"},"say":{"en":"Hi"},"outcome":"done"}]}}`,
	"update-webhook":      `{"url":"https://hooks.example"}`,
}

// staff makes an agent of one store, with a session.
func (s *desk) staff(store int64) int64 {
	_, agent := s.hire("staff"+id(s.db.ID())+"@example.com", account.Membership{StoreID: store, Role: account.RoleAgent})
	return agent
}

func (s *desk) sessionOf(agent int64) (session int64) {
	s.t.Helper()
	if err := s.db.Read().QueryRow(s.t.Context(), `SELECT id FROM sessions WHERE agent_id = $1`, agent).Scan(&session); err != nil {
		s.t.Fatal(err)
	}
	return session
}

// chat receives a visitor's message.
func (s *desk) chat(store int64, files ...int64) inbox.Received {
	s.t.Helper()
	r, err := s.api.Inbox.Receive(s.t.Context(), care.Inbound{
		Store: store, Channel: care.ChannelChat, Thread: "visitor", ClientID: id(s.db.ID()), From: []care.Identity{{Kind: care.IdentityVisitor, Value: "visitor" + id(store)}},
		Name: "Taras", Body: "Hello", Attachments: files,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// letter receives a letter whose raw form is kept.
func (s *desk) letter(store int64) int64 {
	s.t.Helper()
	thread := "mail:" + id(s.db.ID())
	r, err := s.api.Inbox.Receive(s.t.Context(), care.Inbound{
		Store: store, Channel: care.ChannelEmail, Thread: thread, ClientID: thread, From: []care.Identity{{Kind: care.IdentityEmail, Value: "taras@example.com", Verified: true}},
		Name: "Taras", Subject: "Tent", Body: "Is it there?", Mail: &care.MailFacts{MessageID: thread + "@example.com"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	err = s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
		push := tx.ID()
		tx.Defer(`INSERT INTO post_pushes (id, store_id, connection_id, channel, delivery, verdict, raw, raw_key, received_at) VALUES ($1, $2, 1, 'email', $3, 'accepted', $4, '', $5)`, push, store, thread, []byte("Subject: Tent\r\n\r\nIs it there?"), db.At(tx.Now))
		tx.Defer(`INSERT INTO post_arrivals (id, push_id, store_id, connection_id, kind, thread, body, state, next_at, message_id, received_at) VALUES ($1, $2, $3, 1, 'raw', '', '{}', 'done', 0, $4, $5)`, tx.ID(), push, store, r.Message, db.At(tx.Now))
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return r.Message
}

func (s *desk) endpoint(store int64) int64 {
	s.t.Helper()
	var made webhook.Endpoint
	s.do(s.admin, "POST", "/webhooks", map[string]any{"store_id": store, "url": "https://hooks.example"}, 201, &made)
	return made.ID
}

// script makes a call script of one step.
func (s *desk) script(store int64) know.Script {
	text := know.Text{"en": "Hello"}
	body := know.Body{Start: "hello", Steps: []know.Step{{Key: "hello", Title: text, Say: text, Answer: []know.Choice{{Key: "ok", Label: text, To: "bye"}}}, {Key: "bye", Title: text, Say: text, Outcome: "done"}}}
	var made know.Script
	s.do(s.admin, "POST", "/scripts", struct {
		StoreID int64 `json:"store_id"`
		know.ScriptInput
	}{store, know.ScriptInput{Name: "Hello", Body: body}}, 201, &made)
	return made
}

func (s *desk) write(f func(tx *db.Tx)) {
	s.t.Helper()
	err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error { f(tx); return nil })
	if err != nil {
		s.t.Fatal(err)
	}
}

// electronic makes a variant that is delivered electronically.
func (s *desk) electronic(store int64, kind string) digital.Goods {
	s.t.Helper()
	product, variant := s.db.ID(), s.db.ID()
	s.write(func(tx *db.Tx) {
		tx.Defer(`INSERT INTO products (id, store_id, connection_id, external_id, name, folded, categories, updated_at) VALUES ($1, $2, 1, $3, 'A book', 'a book', '[]', 0)`, product, store, id(product))
		tx.Defer(`INSERT INTO variants (id, store_id, connection_id, product_id, external_id, options, price, currency) VALUES ($1, $2, 1, $3, $4, '[]', 100, 'UAH')`, variant, store, product, id(variant))
	})
	var made digital.Goods
	s.do(s.admin, "PUT", "/electronic-goods", digital.GoodsInput{Store: store, Variant: variant, Kind: kind}, 200, &made)
	return made
}

// rooms gives the desk every room that has operations.
func (s *desk) rooms(sealer *account.Sealer, d *Deps) {
	customers := customer.New(s.db, s.bus, nil)
	d.Post = post.New(s.db, s.accounts, nil, post.Options{Bus: s.bus, Files: s.files, Log: d.Log})
	d.Inbox = inbox.New(s.db, customers, s.files, s.bus, inbox.Options{Secret: sealer.Derive("attachments"), Post: d.Post, Log: d.Log})
	d.Phone = phone.New(s.db, customers, s.bus, phone.Options{Talks: d.Inbox, Files: s.files, Recordings: s.t.TempDir(), Log: d.Log})
	d.Find = find.New(s.db)
	d.Know = know.New(s.db, know.Options{Fill: fill.New("customer.name"), Facts: func(context.Context, know.Run, string) (map[string]any, error) { return map[string]any{}, nil }})
	d.Work = work.New(s.db, work.Options{Key: []byte("key")})
	d.Digital = digital.New(s.db, digital.Options{Sealer: sealer, Files: s.files})
	d.Notify = notify.New(s.db, nil, notify.Options{})
	d.Webhooks = webhook.New(s.db, s.accounts, sealer, s.bus, http.DefaultClient)
	s.t.Cleanup(d.Webhooks.Close)
}
