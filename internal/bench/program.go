package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opeka/internal/app"
)

// ServeCommand is `opeka serve` without limits of rate, which would be all that one client sees.
type ServeCommand struct {
	app.Config
}

// Run implements the command.
func (s *ServeCommand) Run(ctx context.Context) error {
	a, err := app.New(ctx, s.Config, app.Options{Limits: noLimits})
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Run(ctx, func(address string) { fmt.Println("serves at", address) })
}

// program is Opeka as a process of its own, so that its memory and time can be told from the load's.
type program struct {
	cmd     *exec.Cmd
	url     string
	started time.Duration // from the start of the process to its first answer
}

// serve starts the program on a data folder; database may be empty.
func serve(ctx context.Context, data, database string, more ...string) (*program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"bench", "serve", "--data", data, "--listen", "127.0.0.1:0", "--metrics-listen=", "--log-level", "error"}
	if database != "" {
		args = append(args, "--database", database)
	}
	cmd := exec.Command(self, append(args, more...)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &program{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serves at ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("the program didn't start: %q", line), err, p.stop())
	}
	p.url = url
	if _, err := newWire(url).do(ctx, "GET", "/readyz", "", ""); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.started = time.Since(begun)
	return p, nil
}

// stop ends the process in order, or by force when it doesn't.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	force := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer force.Stop()
	return p.cmd.Wait()
}

// cpu is the time that the program has used.
func (p *program) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }

// memory is what the program holds in memory, in kilobytes.
func (p *program) memory() float64 {
	kb, _ := strconv.ParseFloat(strings.TrimSuffix(valueIn(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmRSS"), " kB"), 64)
	return kb
}

// tick is the unit of times in /proc.
const tick = time.Second / 100

// cpuOf is the time that a process has used; 0 when it isn't there.
func cpuOf(pid int) time.Duration {
	f := statOf(pid)
	if len(f) < 15 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * tick
}

// statOf are the fields of /proc/PID/stat from the state on.
func statOf(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)
}

// cpuOfTree is the time that a process and its living and ended children have used: PostgreSQL has one for each connection.
func cpuOfTree(pid int) time.Duration {
	sum := cpuOf(pid)
	if f := statOf(pid); len(f) > 15 {
		user, _ := strconv.Atoi(f[13])
		system, _ := strconv.Atoi(f[14])
		sum += time.Duration(user+system) * tick
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if f := statOf(child); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			sum += cpuOf(child)
		}
	}
	return sum
}
