package journeys

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/app"
	"opeka/internal/db"
	"opeka/test/world/ports"
)

// startPostfix runs a real mail server, a process of the test's own on a port of loopback. What is for shop.example it hands over by LMTP to inward, everything
// else by SMTP to outward.
func startPostfix(t *testing.T, inward, outward string) (port int) {
	t.Helper()
	const program, master = "/usr/sbin/postfix", "/usr/lib/postfix/sbin/master"
	if _, err := os.Stat(master); err != nil {
		t.Skip("Postfix is not installed: scripts/install.sh does that")
	}
	if me, err := user.Current(); err != nil || me.Uid != "0" {
		t.Skip("Postfix changes users for its parts: the test needs root")
	}
	dir, err := os.MkdirTemp("/tmp", "opeka-mx") // a short name: its sockets' paths must fit into 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port = ports.Free(t)
	for _, sub := range []string{"queue", "data", "conf"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("sh", "-c", fmt.Sprintf("chmod 755 %[1]s && chown postfix %[1]s/data", dir)).CombinedOutput(); err != nil {
		t.Skipf("no user postfix: %s", out)
	}
	config := fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[1]s/log
maillog_file_prefixes = /tmp
myhostname = mx.shop.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = shop.example
virtual_mailbox_maps =
virtual_transport = lmtp:inet:%[2]s
relayhost = [127.0.0.1]:%[3]s
local_recipient_maps =
alias_maps =
smtp_host_lookup = native
smtp_tls_security_level = none
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
`, dir, inward, outward)
	var services strings.Builder
	fmt.Fprintf(&services, "127.0.0.1:%d inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\n", port)
	for _, s := range []string{"pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce",
		"trace unix - - n - 0 bounce", "verify unix - - n - 1 verify", "flush unix n - n 1000? 0 flush", "proxymap unix - - n - - proxymap", "proxywrite unix - - n - 1 proxymap", "smtp unix - - n - - smtp", "relay unix - - n - - smtp", "showq unix n - n - - showq", "error unix - - n - - error",
		"retry unix - - n - - error", "discard unix - - n - - discard", "local unix - n n - - local", "virtual unix - n n - - virtual", "lmtp unix - - n - - lmtp", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache"} {
		services.WriteString(s + "\n")
	}
	for name, content := range map[string]string{"main.cf": config, "master.cf": services.String()} {
		if err := os.WriteFile(filepath.Join(dir, "conf", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log := func() string { b, _ := os.ReadFile(filepath.Join(dir, "log")); return string(b) }
	cmd := exec.Command(program, "-c", filepath.Join(dir, "conf"), "start-fg")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command(program, "-c", filepath.Join(dir, "conf"), "stop").Run()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log())
		}
	})
	for end := time.Now().Add(2 * time.Minute); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
			return port
		}
		if time.Now().After(end) {
			t.Fatalf("Postfix didn't start: %s %s", said.String(), log())
		}
		time.Sleep(20 * time.Millisecond) // another process: there is nothing else to wait on
	}
}

// A shop's letters pass through its own mail server in both directions: what comes is handed over to us, what we write goes out by it, and what it
// couldn't deliver comes back to the message that it was about.
func TestLettersPassThroughPostfix(t *testing.T) {
	out := startRelay(t)
	out.mu.Lock()
	out.refuse["gone@example.com"] = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
	out.mu.Unlock()
	door := ports.Address(t)
	mx := startPostfix(t, door, fmt.Sprint(out.port))
	w := install(t, db.SQLite, func(c *app.Config) { c.MailListen = []string{"lmtp:" + door} })
	w.mailbox(map[string]any{"address": "help@shop.example", "smtp_host": "127.0.0.1", "smtp_port": mx, "smtp_safety": "none"})
	send := func(from, to string, lines []string) {
		t.Helper()
		c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", mx))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SendMail(from, []string{to}, strings.NewReader(strings.Join(lines, "\r\n")+"\r\n")); err != nil {
			t.Fatal(err)
		}
	}

	send("olena.k@example.com", "help@shop.example", text("Олена <olena.k@example.com>", "Замовлення 4512", "one@example.com", "Коли доставка?"))
	w.until("the letter is a conversation", func() bool { return len(w.conversations()) == 1 })
	talk := w.conversations()[0]
	if talk.Subject != "Замовлення 4512" || talk.Customer.Name != "Олена" {
		t.Errorf("%+v", talk)
	}
	w.answers(talk.ID, "Завтра.")
	w.clock.Move(11 * time.Second)
	w.until("the answer has passed through", func() bool { return out.count() == 1 })
	out.mu.Lock()
	l, to := out.letters[0], out.to[0]
	out.mu.Unlock()
	if len(to) != 1 || to[0] != "olena.k@example.com" || len(l.InReplyTo) == 0 || l.InReplyTo[0] != "one@example.com" || !strings.Contains(l.Text, "Завтра.") {
		t.Errorf("%v %+v", to, l)
	}

	// Whom nobody knows here: its server tells the sender so.
	send("maria@example.com", "nobody@shop.example", text("maria@example.com", "Питання", "two@example.com", "Чи є 42?"))
	w.until("the sender hears that there is no such mailbox", func() bool { return out.count() == 2 })
	out.mu.Lock()
	l, to = out.letters[1], out.to[1]
	out.mu.Unlock()
	if l.Bounce == nil || to[0] != "maria@example.com" || len(w.conversations()) != 1 {
		t.Errorf("%v %+v", to, l.Bounce)
	}

	// An address that is gone: the server's report comes back through the same door.
	send("gone@example.com", "help@shop.example", text("gone@example.com", "Рахунок", "three@example.com", "Надішліть, будь ласка"))
	w.until("the second conversation", func() bool { return len(w.conversations()) == 2 })
	var gone int64
	for _, c := range w.conversations() {
		if c.ID != talk.ID {
			gone = c.ID
		}
	}
	w.do(http.MethodPost, fmt.Sprintf("/conversations/%d/messages", gone), map[string]any{"kind": "reply", "body": "Ось він."}, nil)
	w.clock.Move(11 * time.Second)
	w.until("the report is with its message", func() bool {
		w.clock.Move(time.Second)
		for _, m := range w.messagesOf(gone) {
			if m.Delivery != nil && m.Delivery.State == "failed" && m.Delivery.Reason == "unknown_address" && strings.Contains(m.Delivery.Detail, "5.1.1") {
				return true
			}
		}
		return false
	})
	if n := len(w.conversations()); n != 2 {
		t.Errorf("the report opened a conversation: %d", n)
	}
}
