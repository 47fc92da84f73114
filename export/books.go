package export

import "weir/vitals"

// Reason says why a record did not reach the network.
type Reason uint8

// The reasons. Each counts records, once for every collector that should have had them.
const (
	ReasonKeys       Reason = iota // the text of the keys does not read as the values that the definition names
	ReasonSeparator                // the separator may occur inside key values, so that they cannot be told apart
	ReasonRedefined                // harvests were missed, and meanwhile the definition was changed
	ReasonTemplates                // all template ids are in use
	ReasonCollectors               // the cap of collectors is reached
	ReasonQueue                    // the queue of the collector is full
	ReasonSend                     // the system refused to send
	ReasonStopped                  // still queued when the time to stop was over
	reasons
)

// String returns the reason as a label.
func (r Reason) String() string {
	return [reasons]string{"keys", "separator", "redefined", "templates", "collectors", "queue_full", "send",
		"stopped"}[r%reasons]
}

// books counts, from any goroutine, what became of records: each of a flow and a collector is in records or in
// dropped, or still queued.
type books struct {
	messages, records, errors *vitals.Counter
	dropped                   [reasons]*vitals.Counter
}

func newBooks(v *vitals.Set) *books {
	b := &books{
		messages: v.Counter("weir_export_messages_total"), records: v.Counter("weir_export_records_total"),
		errors: v.Counter("weir_export_errors_total"),
	}
	for r := range reasons {
		b.dropped[r] = v.Counter("weir_export_dropped_total", "reason", r.String())
	}
	return b
}

func (b *books) drop(r Reason, records int) { b.dropped[r].Add(records) }
