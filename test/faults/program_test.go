package faults_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var binary string

// TestMain builds the program once: what is killed is what is shipped.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "opeka-faults")
	if err == nil {
		binary = filepath.Join(dir, "opeka")
		var out []byte
		if out, err = exec.Command("go", "build", "-trimpath", "-o", binary, "opeka/cmd/opeka").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program is `opeka serve` as a process of its own, always at the same address.
type program struct {
	t        *testing.T
	url      string
	data     string
	database string // empty: SQLite in the data folder
	more     []string

	mu  sync.Mutex
	cmd *exec.Cmd
	log *strings.Builder
}

func newProgram(t *testing.T, database string) *program {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, url: "http://" + l.Addr().String(), data: t.TempDir(), database: database}
	_ = l.Close()
	t.Cleanup(p.kill)
	return p
}

// spawn starts a life of the program; it doesn't wait until it serves.
func (p *program) spawn() {
	p.t.Helper()
	args := []string{"serve", "--data", p.data, "--listen", strings.TrimPrefix(p.url, "http://"), "--public-url", p.url, "--metrics-listen", "", "--allow-private", "--log-level", "error"}
	if p.database != "" {
		args = append(args, "--database", p.database)
	}
	cmd, log := exec.Command(binary, append(args, p.more...)...), &strings.Builder{}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, p.data
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.log = cmd, log
}

// serving waits until the program answers.
func (p *program) serving() {
	p.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for !p.ready(p.t.Context()) {
		if time.Now().After(deadline) {
			p.kill()
			p.t.Fatalf("the program doesn't start:\n%s", p.log)
		}
		pause(p.t.Context(), 10*time.Millisecond)
	}
}

func (p *program) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// kill ends the program in the midst of whatever it does.
func (p *program) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// stop asks the program to end, and demands that it does so well.
func (p *program) stop() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the stop: %v\n%s", err, p.log)
	}
	p.cmd = nil
}

// address is where the program keeps its rows.
func (p *program) address() string {
	if p.database != "" {
		return p.database
	}
	return "sqlite:" + filepath.Join(p.data, "opeka.db")
}

// pause lets others have the machine for a while, or returns false when it is over.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
