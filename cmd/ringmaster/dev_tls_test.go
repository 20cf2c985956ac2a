package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// keyMaterial is a directory with ca.pem, and cert.pem with key.pem, which it has signed for
// 127.0.0.1.
func keyMaterial(t *testing.T) (file func(name string) string) {
	t.Helper()
	dir := t.TempDir()
	file = func(name string) string { return filepath.Join(dir, name) }
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sign := func(template, parent *x509.Certificate, public *ecdsa.PublicKey, by *ecdsa.PrivateKey) []byte {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	caKey, key := newKey(), newKey()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	write("ca.pem", "CERTIFICATE", sign(ca, ca, &caKey.PublicKey, caKey))
	write("cert.pem", "CERTIFICATE", sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, ca, &key.PublicKey, caKey))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write("key.pem", "PRIVATE KEY", der)
	return file
}

// TestDev_SpeaksTLS has a client with the authority, one without TLS, and one of another
// authority; a master and a worker run in the same process.
func TestDev_SpeaksTLS(t *testing.T) {
	file, strange := keyMaterial(t), keyMaterial(t)
	b, p := dev(t, "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--exec", "tr a-z A-Z")
	if code, out, problem := p.types("", "submit", "--wait", "hello", "--tls-ca", file("ca.pem")); code != 0 || out != "HELLO" {
		t.Errorf("submit: %d, %q, %s", code, out, problem)
	}
	for name, args := range map[string][]string{"without TLS": nil, "of another authority": {"--tls-ca", strange("ca.pem")}} {
		if code, _, _ := p.types("", append([]string{"status", "--connect-timeout", "2s"}, args...)...); code == 0 {
			t.Errorf("a client %s is served", name)
		}
	}
	p.leaves(b)
	if n := strings.Count(b.String(), "a client fails to begin TLS"); n < 2 {
		t.Errorf("the log tells of %d clients that failed:\n%s", n, b)
	}
}

func TestDev_WantsTheCertificatesOfClients(t *testing.T) {
	file, strange := keyMaterial(t), keyMaterial(t)
	_, p := dev(t, "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--tls-ca", file("ca.pem"), "--master")
	status := func(args ...string) int {
		code, _, _ := p.types("", append([]string{"status", "--connect-timeout", "2s", "--tls-ca", file("ca.pem")}, args...)...)
		return code
	}
	p.within(time.Minute, "a client with a certificate finds the master", func() bool {
		return status("--tls-cert", file("cert.pem"), "--tls-key", file("key.pem")) == 0
	})
	if status() == 0 || status("--tls-cert", strange("cert.pem"), "--tls-key", strange("key.pem")) == 0 {
		t.Error("a client without a certificate that is trusted is served")
	}
}

// TestDev_SpeaksTLSWithKazoo has kazoo as its client: Debian's package python3-kazoo.
func TestDev_SpeaksTLSWithKazoo(t *testing.T) {
	const python, kazoo = "/usr/bin/python3", "/usr/lib/python3/dist-packages/kazoo/client.py"
	for _, needed := range []string{python, kazoo} {
		if _, err := os.Stat(needed); err != nil {
			t.Skipf("skipped %s: %s is missing: install the Debian package python3-kazoo (scripts/clients does)", t.Name(), needed)
		}
	}
	file := keyMaterial(t)
	const program = `
import os, sys
from kazoo.client import KazooClient
zk = KazooClient(hosts=os.environ["ZK_SERVERS"], use_ssl=True, ca=sys.argv[1], certfile=sys.argv[2], keyfile=sys.argv[3])
zk.start(30)
zk.create("/a", b"data")
print(zk.get("/a")[0].decode())
zk.stop()
`
	p := &terminal{t, "refused.invalid"}
	code, out, problem := p.types("", "dev", "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--tls-ca", file("ca.pem"),
		"--", python, "-c", program, file("ca.pem"), file("cert.pem"), file("key.pem"))
	if code != 0 || out != "data\n" {
		t.Errorf("%d, %q\n%s", code, out, problem)
	}
}

func TestDev_NamesTheFilesOfTLS(t *testing.T) {
	file, other := keyMaterial(t), keyMaterial(t)
	p := &terminal{t, ""}
	cert, key := []string{"--tls-cert", file("cert.pem")}, []string{"--tls-key", file("key.pem")}
	for _, c := range []struct {
		args []string
		want string
	}{
		{cert, `--tls-key "": give both files`},
		{key, `--tls-cert "" --tls-key`},
		{[]string{"--tls-ca", file("ca.pem")}, "give those, too"},
		{append(key, "--tls-cert", file("none.pem")), "--tls-cert: the file cannot be read: open " + file("none.pem")},
		{append(cert, "--tls-key", file("none.pem")), "--tls-key: the file cannot be read: open " + file("none.pem")},
		{append(cert, "--tls-key", other("key.pem")), "--tls-key " + other("key.pem") + ": tls: private key does not match"},
		{append(cert, "--tls-key", file("cert.pem")), "give a certificate and its key, in PEM format"},
		{append(append(cert, key...), "--tls-ca", file("none.pem")), "--tls-ca: the file cannot be read: open " + file("none.pem")},
		{append(append(cert, key...), "--tls-ca", file("key.pem")), "--tls-ca " + file("key.pem") + ": the file holds no certificate in PEM format"},
		{[]string{"--read-only-mode"}, "give --members 3, too"},
	} {
		args := append([]string{"dev", "--listen", "127.0.0.1:0"}, c.args...)
		if code, _, problem := p.types("", args...); code != int(exit.WrongUse) || !strings.Contains(problem, c.want) {
			t.Errorf("%q: %d, %q, want %d and %q", args, code, problem, exit.WrongUse, c.want)
		}
	}
}
