package history

import (
	"testing"
	"time"

	"weir/engine"
	"weir/schema"
	"weir/session"
	"weir/store"
	"weir/store/parquet"
)

// TestOrphans finds the sessions that were reported, did not end, and were not told of again.
func TestOrphans(t *testing.T) {
	st, err := parquet.Open(t.TempDir(), parquet.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	e, err := engine.New(engine.Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	const until = schema.Instant(1_767_225_600e9)
	report := func(id int64, ago time.Duration, bytes uint64) session.Session {
		return session.Session{
			ID: id, First: until.Add(-time.Hour), Last: until.Add(-ago), Proto: 6, AZ: session.Counts{Bytes: bytes},
			State: session.StateInit,
		}
	}
	ended := report(2, time.Minute, 9)
	ended.State |= session.StateTerminated
	b := store.Batch{Node: "n", Seq: 1, At: until, Blocks: []*schema.Block{
		sessionBlock(schema.TableRunning, []session.Session{
			report(1, 8*time.Minute, 1), report(1, 3*time.Minute, 5), report(2, 4*time.Minute, 7), report(3, time.Hour, 3),
		}),
		sessionBlock(schema.TableSessions, []session.Session{ended}),
	}}
	if err := st.Keep(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	got, err := orphans(t.Context(), e, st, until)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].ID != 1 || got[0].AZ.Bytes != 5 || !got[0].Finished() {
		t.Errorf("got %+v, want the newest report of session 1, finished", got)
	}
	if got, err := orphans(t.Context(), e, st, 0); err != nil || got != nil {
		t.Errorf("after a clean stop: %v, %v", got, err)
	}
}
