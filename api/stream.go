package api

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/flow"
)

const (
	heartbeat   = 15 * time.Second
	frameWithin = 20 * time.Second // a client that does not take a frame for so long is gone
)

func splitWish(flows string) []string {
	if flows == "" {
		return nil
	}
	return strings.Split(flows, "\x00")
}

// wishOf reads what a stream asks for.
func wishOf(r *request) (wish, error) {
	names := r.list("flows")
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > streamFlows {
		return wish{}, refuse(http.StatusBadRequest, "flows", "too many flows for one stream",
			strconv.Itoa(streamFlows)+" at most")
	}
	mode, _ := flow.ParseMode(r.text("mode")) // the table lists the words
	return wish{strings.Join(names, "\x00"), mode, r.whole("max")}, nil
}

// serveStream sends frames until the client goes or the server stops.
func serveStream(r *request, w http.ResponseWriter) {
	s := r.server
	wish, err := wishOf(r)
	if err != nil {
		s.refuse(w, r.Request, err)
		return
	}
	select {
	case <-s.draining:
		err = errOver
	default:
	}
	var sub *subscriber
	if err == nil {
		sub, err = s.caster.join(wish)
	}
	switch {
	case errors.Is(err, errFull):
		s.countRefused("streams")
		w.Header().Set("Retry-After", "10")
		s.refuse(w, r.Request, refuse(http.StatusServiceUnavailable, "", "there are as many streams as there may be",
			"close one, or raise http.streams"))
		return
	case err != nil:
		s.refuse(w, r.Request, refuse(http.StatusServiceUnavailable, "", "the server is stopping", "try again"))
		return
	}
	defer s.caster.leave(sub)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that know this header pass frames on at once
	pour(r, w, sub)
}

// pour writes frames as they come, and a comment now and then so that both sides see when the other has gone.
func pour(r *request, w http.ResponseWriter, sub *subscriber) {
	control := http.NewResponseController(w)
	write := func(b []byte) bool {
		// Not every writer has deadlines; then a client that is gone is noticed later.
		_ = control.SetWriteDeadline(time.Now().Add(frameWithin))
		if _, err := w.Write(b); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	if !write(r.server.missedEvents(r.Header.Get("Last-Event-ID"))) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-r.server.draining:
			return
		case frame, more := <-sub.frames:
			if !more || !write(frame) {
				return
			}
			r.server.caster.sent.Inc()
		case <-beat.C:
			if !write([]byte(": still here\n\n")) {
				return
			}
		}
	}
}

// missedEvents returns the beginning of a stream: the events since the one that a client saw last.
func (s *Server) missedEvents(last string) []byte {
	b := []byte("retry: 2000\n\n")
	id, err := strconv.ParseUint(last, 10, 64)
	if err != nil {
		return b
	}
	for _, e := range slices.Backward(s.engine.EventsSince(id, nil, streamBacklog)) {
		b = append(b, eventFrame(&e)...)
	}
	return b
}
