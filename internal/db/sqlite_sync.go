package db

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// syncer brings commits to disk beside the writer, who meanwhile runs the closures of the next one: on a machine of two cores the disk takes as
// long as they do. Nobody is answered before his commit is on disk. Readers may see it a moment earlier, and a loss of power in that moment undoes
// what they saw; it can't undo anything that was answered, since a log comes back as far as it is whole.
type syncer struct {
	log  *os.File
	todo chan []*writeReq
	done chan error
	busy bool  // the writer's: a sync is under way
	err  error // the writer's: a sync has failed, and what is in the log isn't known any more
}

func newSyncer(path string) (*syncer, error) {
	f, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	s := &syncer{log: f, todo: make(chan []*writeReq), done: make(chan error, 1)}
	go s.loop()
	return s, nil
}

func (s *syncer) loop() {
	for reqs := range s.todo {
		err := syscall.Fdatasync(int(s.log.Fd()))
		if err != nil {
			err = fmt.Errorf("db: the disk refuses to keep what was written: %w", err)
		}
		for _, r := range reqs {
			r.err <- err
		}
		s.done <- err
	}
	close(s.done)
}

// start has the commit of reqs brought to disk and answered, after the one under way.
func (s *syncer) start(reqs []*writeReq) {
	s.wait()
	if s.err != nil {
		for _, r := range reqs {
			r.err <- s.err
		}
		return
	}
	s.busy = true
	s.todo <- reqs
}

// wait waits for the sync under way, if there is one.
func (s *syncer) wait() {
	if s.busy {
		s.ended(<-s.done)
	}
}

// ended takes the result of a sync.
func (s *syncer) ended(err error) {
	s.busy = false
	s.err = errors.Join(s.err, err)
}

func (s *syncer) close() error {
	s.wait()
	close(s.todo)
	<-s.done
	return s.log.Close()
}
