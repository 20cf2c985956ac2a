package cli

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// secure puts TLS in front of the listeners, if there is a certificate.
func (d *Dev) secure(listeners []net.Listener, config *tls.Config) []net.Listener {
	if config == nil {
		return listeners
	}
	secured := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		secured[i] = tls.NewListener(l, config)
	}
	return secured
}

// servePlain lets each server accept connections without TLS from this machine, and returns their
// addresses. They are for the roles in this process, which have no certificate.
func (d *Dev) servePlain(ensemble *serve.Ensemble, log *slog.Logger) ([]string, error) {
	own := Dev{Listen: "127.0.0.1:0", Members: d.Members, Observers: d.Observers}
	listeners, err := own.listeners(false)
	if err != nil {
		return nil, err
	}
	return serveAll(ensemble, listeners, log), nil
}

// tls is the TLS configuration of the servers; nil is none.
func (d *Dev) tls() (*tls.Config, error) {
	if (d.TLSCert == "") != (d.TLSKey == "") {
		return nil, misuse("dev: --tls-cert %q --tls-key %q: give both files, or none", d.TLSCert, d.TLSKey)
	}
	if d.TLSCert == "" {
		if d.TLSCA != "" {
			return nil, misuse("dev: --tls-ca needs --tls-cert and --tls-key, which turn TLS on: give those, too")
		}
		return nil, nil
	}
	var files [2][]byte
	for i, f := range []struct{ flag, path string }{{"--tls-cert", d.TLSCert}, {"--tls-key", d.TLSKey}} {
		var err error
		if files[i], err = os.ReadFile(f.path); err != nil {
			return nil, misuse("dev: %s: the file cannot be read: %w", f.flag, err)
		}
	}
	pair, err := tls.X509KeyPair(files[0], files[1])
	if err != nil {
		return nil, misuse("dev: --tls-cert %s --tls-key %s: %w: give a certificate and its key, in PEM format", d.TLSCert, d.TLSKey, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if d.TLSCA == "" {
		return config, nil
	}
	authority, err := os.ReadFile(d.TLSCA)
	if err != nil {
		return nil, misuse("dev: --tls-ca: the file cannot be read: %w", err)
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !config.ClientCAs.AppendCertsFromPEM(authority) {
		return nil, misuse("dev: --tls-ca %s: the file holds no certificate in PEM format", d.TLSCA)
	}
	return config, nil
}
