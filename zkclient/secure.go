package zkclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Credential proves the identity of a session to the servers. Its Secret is never logged or
// part of an error.
type Credential struct {
	Scheme string // digest, or what the servers are configured for
	Secret string // of digest: user:password
}

// Digest is the credential of a user; zkapi.DigestID is the identity that it has
// in ACLs.
func Digest(user, password string) Credential {
	return Credential{Scheme: "digest", Secret: user + ":" + password}
}

// String implements fmt.Stringer without the secret.
func (c Credential) String() string { return c.Scheme + ":(secret)" }

// GoString implements fmt.GoStringer without the secret.
func (c Credential) GoString() string { return c.String() }

// LogValue implements slog.LogValuer without the secret.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// TLSFiles makes the TLS configuration of a client from PEM files: the authority
// that has signed the servers' certificates, and, unless both are empty, the
// client's own certificate and key.
func TLSFiles(authority, certificate, key string) (*tls.Config, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, fmt.Errorf("zkclient: the servers' certificate authority: %w", err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("zkclient: %s holds no certificate in PEM format", authority)
	}
	if certificate == "" && key == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("zkclient: the client's certificate %q and key %q: %w", certificate, key, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// untrusted makes an error of a connection zkapi.ErrUntrusted if trying again
// cannot help: one side does not accept the other's certificate, or there is no
// TLS on the other side. It is nil for every other error.
func untrusted(err error) error {
	var (
		invalid *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		remote  *net.OpError
	)
	alert := errors.As(err, &remote) && remote.Op == "remote error" // what crypto/tls makes of an alert
	if alert || errors.As(err, &record) || errors.As(err, &invalid) {
		return fmt.Errorf("%w: %w", zkapi.ErrUntrusted, err)
	}
	return nil
}
