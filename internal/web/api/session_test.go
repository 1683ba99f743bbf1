package api

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func TestSetUpHappensOnce(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		if got := s.code(browser{}, "POST", "/setup", account.SetUp{StoreName: "x", Name: "Eve", Email: "eve@example.com", Password: password}, 409); got != "setup.done" {
			t.Fatal(got)
		}
		var state SetUpState
		s.do(browser{}, "GET", "/setup", nil, 200, &state)
		if state.Needed {
			t.Fatal("set-up still offered")
		}
	})
}

func TestConcurrentSetUpsMakeOneOwner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		s := newDeskWithout(t, d, clock)
		var wg sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for _, name := range []string{"a", "b", "c"} {
			wg.Go(func() {
				_, _, err := s.accounts.SetUp(t.Context(), account.By{}, account.SetUp{StoreName: name, Name: name, Email: name + "@example.com", Password: password})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if e, ok := err.(*care.Error); ok && e.Code != "setup.done" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Fatalf("%d set-ups succeeded", made)
		}
	})
}

func TestSessionLife(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		var me Me
		s.do(s.admin, "GET", "/me", nil, 200, &me)
		if me.Agent.Email != "olena@example.com" || len(me.Stores) != 1 || len(me.Permissions) != len(account.Permissions) || me.Presence.State != account.Offline {
			t.Fatalf("%+v", me)
		}
		// A second session; the first one can end it.
		var second Me
		r := s.do(browser{}, "POST", "/session", Credentials{"Olena@Example.com ", password}, 200, &second)
		cookie := r.Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Value == s.admin.cookie {
			t.Fatalf("%+v", cookie)
		}
		other := browserOf(r, second)
		var list List[account.Session]
		s.do(s.admin, "GET", "/me/sessions", nil, 200, &list)
		if len(list.Items) != 2 {
			t.Fatalf("%d sessions", len(list.Items))
		}
		for _, x := range list.Items {
			if !x.Current {
				s.do(s.admin, "DELETE", "/me/sessions/"+id(x.ID), nil, 204, nil)
			}
		}
		s.code(other, "GET", "/me", nil, 401)
		// Signing in again within a browser ends the session it had.
		var third Me
		r = s.do(browser{}, "POST", "/session", Credentials{"olena@example.com", password}, 200, &third, "Cookie", sessionCookie+"="+s.admin.cookie)
		s.code(s.admin, "GET", "/me", nil, 401)
		s.admin = browserOf(r, third)
		// Use slides a session to 14 days, never beyond 60.
		for range 6 {
			s.clock.Move(9 * 24 * time.Hour)
			s.do(s.admin, "GET", "/me", nil, 200, nil)
		}
		s.clock.Move(7 * 24 * time.Hour)
		s.code(s.admin, "GET", "/me", nil, 401)
		s.relogin()
		s.clock.Move(15 * 24 * time.Hour)
		s.code(s.admin, "GET", "/me", nil, 401)
		s.relogin()
		s.do(s.admin, "DELETE", "/session", nil, 204, nil)
		s.code(s.admin, "GET", "/me", nil, 401)
	})
}

func TestUnsafeRequestsNeedTheToken(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		b := s.admin
		b.csrf = "guess"
		if got := s.code(b, "PUT", "/me/presence", PresenceChoice{"ready"}, 403); got != "csrf" {
			t.Fatal(got)
		}
		if got := s.code(s.admin, "PUT", "/me/presence", PresenceChoice{"ready"}, 403, "Sec-Fetch-Site", "cross-site"); got != "cross_origin" {
			t.Fatal(got)
		}
		if got := s.code(browser{}, "POST", "/session", Credentials{"olena@example.com", password}, 403, "Origin", "https://evil.example"); got != "cross_origin" {
			t.Fatal(got)
		}
		s.do(s.key(s.store, care.PermPeople), "POST", "/departments", NewDepartment{s.store, "Sales"}, 201, nil)
	})
}

func TestGuessingPasswordsIsSlow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		limits := generous
		limits.Login = Limit{1.0 / 15, 3}
		s := newDesk(t, d, clock, limits)
		for range 3 {
			if got := s.code(browser{}, "POST", "/session", Credentials{"olena@example.com", "wrong password"}, 401); got != "login_failed" {
				t.Fatal(got)
			}
		}
		r := s.do(browser{}, "POST", "/session", Credentials{"OLENA@example.com", password}, 429, nil)
		if r.Header.Get("Retry-After") == "" {
			t.Fatal("no Retry-After")
		}
		if got := s.code(browser{}, "POST", "/session", Credentials{"nobody@example.com", password}, 401); got != "login_failed" {
			t.Fatal(got)
		}
		clock.Move(time.Minute)
		s.relogin()
		var log List[account.Audited]
		s.do(s.admin, "GET", "/audit", nil, 200, &log)
		refused := 0
		for _, e := range log.Items {
			if e.Action == "session.refused" {
				refused++
			}
		}
		if refused != 3 {
			t.Fatalf("%d refusals in the audit log", refused)
		}
	})
}

func TestDeactivatedAgentIsOutAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		b, agent := s.hire("taras@example.com", account.Membership{StoreID: s.store, Role: account.RoleAgent})
		s.do(b, "PUT", "/me/presence", PresenceChoice{"ready"}, 200, nil)
		s.do(s.admin, "DELETE", "/agents/"+id(agent), nil, 204, nil)
		s.code(b, "GET", "/me", nil, 401)
		if got := s.code(browser{}, "POST", "/session", Credentials{"taras@example.com", password}, 401); got != "login_failed" {
			t.Fatal(got)
		}
		var p account.Person
		s.do(s.admin, "GET", "/agents/"+id(agent), nil, 200, &p)
		if p.Active || p.Presence != account.Offline {
			t.Fatalf("%+v", p)
		}
		if got := s.code(s.admin, "DELETE", "/agents/"+id(s.self()), nil, 422); got != "agent.self" {
			t.Fatal(got)
		}
	})
}

func TestInvitationIsGoodOnce(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		name, email := "Iryna", "iryna@example.com"
		var made InvitedAgent
		s.do(s.admin, "POST", "/agents", account.PersonChange{Name: &name, Email: &email, Memberships: &[]account.Membership{{StoreID: s.store, Role: account.RoleAgent}}}, 201, &made)
		if !strings.HasSuffix(made.Invitation.URL, made.Invitation.Token) || !made.Agent.Invited {
			t.Fatalf("%+v", made)
		}
		var again account.Invitation
		s.do(s.admin, "POST", "/agents/"+id(made.Agent.ID)+"/invitation", nil, 200, &again)
		token := func(x string) InvitationToken { return InvitationToken{x} }
		s.code(browser{}, "POST", "/invitations/check", token(made.Invitation.Token), 404)
		var who account.Invited
		s.do(browser{}, "POST", "/invitations/check", token(again.Token), 200, &who)
		if who.Email != email {
			t.Fatal(who)
		}
		if got := s.code(browser{}, "POST", "/invitations/accept", NewPassword{token(again.Token), "short"}, 422); got != "password_short" {
			t.Fatal(got)
		}
		s.do(browser{}, "POST", "/invitations/accept", NewPassword{token(again.Token), password}, 200, nil)
		if got := s.code(browser{}, "POST", "/invitations/accept", NewPassword{token(again.Token), password}, 404); got != "invitation.invalid" {
			t.Fatal(got)
		}
		s.do(s.admin, "POST", "/agents/"+id(made.Agent.ID)+"/invitation", nil, 200, &again)
		s.clock.Move(8 * 24 * time.Hour)
		s.code(browser{}, "POST", "/invitations/check", token(again.Token), 404)
	})
}
