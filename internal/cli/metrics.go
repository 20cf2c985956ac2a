package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/metrics"
)

// serveMetrics offers /metrics on an address until stop is called.
func serveMetrics(address string, log *slog.Logger) (measured recipe.Metrics, stop func(), err error) {
	if address == "" {
		return nil, func() {}, nil
	}
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, cannotListen(address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ReadHeaderTimeout: 5 * time.Second}
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the server for metrics has ended", "error", err)
		}
	}()
	log.Info("metrics are served", "address", listener.Addr())
	return m, func() { _ = server.Close(); <-over }, nil
}

// cannotListen is the error about an address for metrics. The address may be free at
// the next start if it is in use, or does not exist yet.
func cannotListen(address string, err error) error {
	dns, named := errors.AsType[*net.DNSError](err)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) || named && dns.Temporary() {
		return fmt.Errorf("--metrics %s: %w: give another address, or stop the process that uses this one", address, err)
	}
	return misuse("--metrics %s: %w: give host:port or :port, where this user may listen", address, err)
}
