package journeys

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"opeka/test/world/ports"
)

// dovecot is a real IMAP server with one mailbox, a process of the test's own on a port of loopback.
type dovecot struct {
	t    *testing.T
	dir  string
	port int
	cmd  *exec.Cmd
	n    int
}

func startDovecot(t *testing.T) *dovecot {
	t.Helper()
	program, err := exec.LookPath("dovecot")
	if err != nil {
		program = "/usr/sbin/dovecot"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("Dovecot is not installed: scripts/install.sh does that")
	}
	me, err := user.Current()
	if err != nil || me.Uid != "0" {
		t.Skip("Dovecot changes users for its parts: the test needs root")
	}
	// Below /tmp by a short name: its sockets' paths must fit into 108 bytes.
	dir, err := os.MkdirTemp("/tmp", "opeka-imap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &dovecot{t: t, dir: dir, port: ports.Free(t)}
	for _, sub := range []string{"run", "state", "mail/new", "mail/cur", "mail/tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d.write("users", "shop:{PLAIN}secret:::::\n")
	d.write("dovecot.conf", fmt.Sprintf(`
protocols = imap
listen = 127.0.0.1
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
ssl = no
disable_plaintext_auth = no
mailbox_idle_check_interval = 1s
mail_location = maildir:%[1]s/mail
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
passdb {
  driver = passwd-file
  args = %[1]s/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=%[1]s/mail
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[2]d
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`, dir, d.port))
	d.own()
	d.start(program)
	t.Cleanup(d.stop)
	return d
}

func (d *dovecot) write(name, content string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// own gives the mailbox to the user under whom the server reads it.
func (d *dovecot) own() {
	d.t.Helper()
	if out, err := exec.Command("chown", "-R", "mail:mail", filepath.Join(d.dir, "mail")).CombinedOutput(); err != nil {
		d.t.Skipf("no user mail: %s", out)
	}
}

func (d *dovecot) start(program string) {
	d.t.Helper()
	d.cmd = exec.Command(program, "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	var said strings.Builder
	d.cmd.Stderr, d.cmd.Stdout = &said, &said
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(d.dir, "log"))
			d.t.Fatalf("Dovecot didn't start: %s %s", said.String(), log)
		}
		time.Sleep(20 * time.Millisecond) // another process: there is nothing else to wait on
	}
}

func (d *dovecot) stop() {
	if d.cmd == nil || d.cmd.Process == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
	d.cmd = nil
}

// restart breaks every connection.
func (d *dovecot) restart() {
	program := d.cmd.Path
	d.stop()
	d.start(program)
}

// deliver puts a letter into the mailbox as delivery agents do.
func (d *dovecot) deliver(lines ...string) {
	d.t.Helper()
	d.n++
	name := fmt.Sprintf("%d.M%dP%d.test", time.Now().Unix(), d.n, os.Getpid())
	tmp := filepath.Join(d.dir, "mail/tmp", name)
	if err := os.WriteFile(tmp, []byte(strings.Join(lines, "\r\n")), 0o644); err != nil {
		d.t.Fatal(err)
	}
	if out, err := exec.Command("chown", "mail:mail", tmp).CombinedOutput(); err != nil {
		d.t.Fatalf("%s", out)
	}
	if err := os.Rename(tmp, filepath.Join(d.dir, "mail/new", name)); err != nil {
		d.t.Fatal(err)
	}
}

// renumber makes all UIDs new, as a restored backup does.
func (d *dovecot) renumber() {
	d.t.Helper()
	program := d.cmd.Path
	d.stop()
	for _, f := range []string{"dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot-uidvalidity"} {
		_ = os.Remove(filepath.Join(d.dir, "mail", f))
	}
	old, _ := filepath.Glob(filepath.Join(d.dir, "mail", "dovecot-uidvalidity.*"))
	for _, f := range old {
		_ = os.Remove(f)
	}
	d.start(program)
}
