package api

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// listen opens the address; the error says what to do.
func listen(address string, connections int) (*bounded, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("api: %s is in use: stop the program that listens there (another weir?) or choose "+
			"another address with --http or http.address", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("api: may not listen on %s: ports below 1024 need a privilege; choose a higher one "+
			"with --http or http.address", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("api: this machine has no address %s: correct --http or http.address", address)
	case err != nil:
		return nil, fmt.Errorf("api: %w", err)
	}
	return &bounded{Listener: l, places: make(chan struct{}, connections), closed: make(chan struct{})}, nil
}

// bounded holds a limited number of connections open; further ones wait in the system's queue.
type bounded struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
	open   atomic.Int64
}

// Accept waits for a place, then for a connection.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	b.open.Add(1)
	return &placed{Conn: c, leave: b.leave}, nil
}

// leave gives back the place of one connection.
func (b *bounded) leave() {
	b.open.Add(-1)
	<-b.places
}

// Close ends the listener and wakes an Accept that waits for a place.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// placed is a connection that gives its place back when it is closed.
type placed struct {
	net.Conn
	leave func()
	once  sync.Once
}

// Close closes the connection.
func (p *placed) Close() error {
	err := p.Conn.Close()
	p.once.Do(p.leave)
	return err
}
