package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"weir/engine"
	"weir/store"
	"weir/vitals"
)

// How often the notebook looks, and how long it waits before it tries again, complains again, and writes down what
// alert rules have learned.
const (
	notebookEvery     = 500 * time.Millisecond
	notebookRetry     = 5 * time.Second
	notebookComplaint = time.Minute
	notebookAlerts    = time.Minute
)

// notebook writes down in DATA/state.json what is defined at run time, and what alert rules remember, so that both are
// there again after a restart.
type notebook struct {
	engine *engine.Engine
	vitals *vitals.Set
	log    *slog.Logger
	disk   store.Disk
	dir    string
	file   atomic.Pointer[named] // what the configuration file defines
	closed bool                  // a file stands in the way that must not be overwritten
	left   []wish                // from before the start, that could not be fulfilled

	mu       sync.Mutex        // guards what follows
	seen     *engine.State     // that was written down, or found to be nothing new
	seenFile *named            // that was in force then
	written  [sha256.Size]byte // of what is in the file
	alerts   json.RawMessage   // what alert rules said last
	alertsAt time.Time         // when they said it
	retryAt  time.Time         // not before; the zero time: whenever there is something
	saidAt   time.Time         // when a failure was last logged
}

// openNotebook reads what was written down before the last stop and asks the engine for it. Only before the engine
// runs, and before anything is restored that needs groups.
func openNotebook(e *engine.Engine, file *named, dir string, disk store.Disk, v *vitals.Set,
	log *slog.Logger) *notebook {
	n := &notebook{engine: e, vitals: v, log: log, disk: disk, dir: dir}
	n.file.Store(file)
	saved := n.load()
	if saved == nil {
		n.written = sha256.Sum256([]byte("{}")) // nothing to say, and no file, is the same
		return n
	}
	list := file.wishes(saved, e.State())
	n.left = fulfil(e, list)
	for _, w := range n.left {
		n.log.Warn("what was defined before the restart cannot be put in force again: it stays written down, and is "+
			"tried at the next start; define and remove it to be rid of it", "what", w.what, "why", w.err.Error())
	}
	n.vitals.Put("weir_state_unfulfilled", float64(len(n.left)))
	if len(saved.Alerts) > 0 {
		if err := e.RestoreAlerts(saved.Alerts); err != nil {
			n.log.Warn("alert rules begin anew with what they knew of keys", "error", err.Error())
		}
	}
	if len(list) > 0 {
		n.log.Info("what was defined at run time is in force again", "definitions", len(list)-len(n.left),
			"refused", len(n.left))
	}
	return n
}

// load returns what is in the file, nil when there is nothing. A file that cannot be used is set aside.
func (n *notebook) load() *savedState {
	found, err := store.LoadState(n.disk, n.dir)
	var saved *savedState
	if err == nil && found.Doc != nil {
		saved, err = parseState(found.Doc)
	}
	if err == nil {
		if found.Warning != "" {
			n.log.Error(found.Warning)
		}
		return saved
	}
	n.vitals.Counter("weir_state_failures_total", "what", "load").Inc()
	path := filepath.Join(n.dir, "state.json")
	aside := path + ".refused"
	if moved := n.setAside(path, aside); moved != nil {
		n.closed = true
		n.log.Error("what was defined at run time before is not in force, and nothing new is written down, because the "+
			"file cannot be read and not be moved", "file", path, "error", err.Error(), "moving", moved.Error())
		return nil
	}
	n.log.Error("what was defined at run time before is not in force: the file cannot be used and was set aside",
		"file", path, "now", aside, "error", err.Error())
	return nil
}

func (n *notebook) setAside(path, aside string) error {
	return errors.Join(n.disk.Rename(path, aside), n.disk.SyncDir(n.dir))
}

// configured tells that the configuration file defines other things now.
func (n *notebook) configured(file *named) { n.file.Store(file) }

// run writes down what changes until ctx ends, and what is new then.
func (n *notebook) run(ctx context.Context) error {
	if n.closed {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(notebookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			n.mu.Lock()
			defer n.mu.Unlock()
			n.alertsAt = time.Time{}
			_ = n.save(time.Now()) // a failure is logged: there is nobody else to tell
			return nil
		case now := <-tick.C:
			n.look(now)
		}
	}
}

func (n *notebook) look(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !now.Before(n.retryAt) && (n.changed() || n.alertsDue(now)) {
		_ = n.save(now) // logged, and tried again
	}
}

// note writes down at once what was changed. The error says that it is in force, but will be lost with a restart.
func (n *notebook) note() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errClosedNotebook
	}
	if !n.changed() { // somebody else's note had it already
		return nil
	}
	return n.save(time.Now())
}

var errClosedNotebook = errors.New("a state file that cannot be read stands in the way; the log of the start names it")

// changed tells whether there may be something to write down. It is cheap: it compares no contents.
func (n *notebook) changed() bool {
	return n.seen == nil || n.file.Load() != n.seenFile || !sameDefinitions(n.engine.State(), n.seen)
}

func (n *notebook) alertsDue(now time.Time) bool {
	return len(n.engine.State().Rules) > 0 && now.Sub(n.alertsAt) >= notebookAlerts
}

// sameDefinitions tells that two states certainly have the same definitions.
func sameDefinitions(a, b *engine.State) bool {
	return a == b || sameSlice(a.Flows, b.Flows) && sameSlice(a.Thresholds, b.Thresholds) &&
		sameSlice(a.Groups, b.Groups) && sameSlice(a.Rules, b.Rules) && a.Home.Equal(b.Home) &&
		reflect.ValueOf(a.Labels).Pointer() == reflect.ValueOf(b.Labels).Pointer()
}

// sameSlice tells that two slices are one; contents of states never change.
func sameSlice[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// save writes down what there is, unless it is in the file already.
func (n *notebook) save(now time.Time) error {
	s, file := n.engine.State(), n.file.Load()
	doc, err := n.document(s, file, now)
	if err == nil {
		err = n.write(doc)
	}
	if err != nil {
		n.complain(now, err)
		return err
	}
	n.seen, n.seenFile, n.retryAt = s, file, time.Time{}
	return nil
}

func (n *notebook) write(doc json.RawMessage) error {
	sum := sha256.Sum256(doc)
	if sum == n.written {
		return nil
	}
	if err := store.SaveState(n.disk, n.dir, doc); err != nil {
		return err
	}
	n.written = sum
	n.vitals.Counter("weir_state_saves_total").Inc()
	n.vitals.Put("weir_state_bytes", float64(len(doc)))
	return nil
}

// document returns what is to be in the file. Alert rules are asked now and then only: what they remember may be large.
func (n *notebook) document(s *engine.State, file *named, now time.Time) (json.RawMessage, error) {
	saved := file.collect(s)
	saved.still(n.left)
	if now.Sub(n.alertsAt) >= notebookAlerts {
		alerts, err := n.engine.AlertState()
		if err != nil {
			return nil, fmt.Errorf("alert rules: %w", err)
		}
		n.alerts, n.alertsAt = alerts, now
	}
	saved.Alerts = n.alerts
	return json.Marshal(&saved)
}

// complain counts that something could not be written down, and logs it now and then.
func (n *notebook) complain(now time.Time, err error) {
	n.vitals.Counter("weir_state_failures_total", "what", "save").Inc()
	n.retryAt = now.Add(notebookRetry)
	if !n.saidAt.IsZero() && now.Sub(n.saidAt) < notebookComplaint {
		return
	}
	n.saidAt = now
	n.log.Error("what was defined at run time cannot be written down, and is lost with a restart: it is tried again",
		"dir", n.dir, "error", err.Error())
}
