package cli

import (
	"crypto/tls"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// Options are the options of every command.
type Options struct {
	Servers        []string
	Namespace      string
	SessionTimeout time.Duration
	ConnectTimeout time.Duration
	AuthFile       string
	MaxRequest     int
	Bulk           zkclient.Bulk
	Access         map[string]string
	TLSCA          string
	TLSCert        string
	TLSKey         string
	LogLevel       string
	LogJSON        bool
}

// credentials are the credentials in the auth file.
func (o *Options) credentials() (user, password string, err error) {
	if o.AuthFile == "" {
		return "", "", misuse("--auth-file is missing: name a file with user:password in it")
	}
	data, err := os.ReadFile(o.AuthFile)
	if err != nil {
		return "", "", misuse("--auth-file: the file cannot be read: %w", err)
	}
	user, password, ok := strings.Cut(strings.TrimSpace(string(data)), ":")
	if !ok || user == "" || password == "" {
		return "", "", misuse("--auth-file %s: the file must hold user:password", o.AuthFile)
	}
	return user, password, nil
}

// leastWriteRate is the least --max-write-rate. What is sent together is then written within the
// default of --connect-timeout.
const leastWriteRate = 100

// check checks the options that say where to connect to, and reads the servers: a path after
// them becomes the namespace.
func (o *Options) check() error {
	if o.ConnectTimeout < 0 {
		return misuse("--connect-timeout %v: give a time, or 0 to wait for ever", o.ConnectTimeout)
	}
	if o.SessionTimeout == 0 {
		return misuse("--session-timeout %v: give a time such as 10s", o.SessionTimeout)
	}
	if len(o.Access) > 0 && o.AuthFile == "" {
		return misuse("--access needs --auth-file: without it this process has none of the identities, and may do nothing")
	}
	if o.Bulk.Operations < 0 {
		return misuse("--max-writes %d: give a number of operations, or 0 for the default", o.Bulk.Operations)
	}
	if o.Bulk.PerSecond != 0 && o.Bulk.PerSecond < leastWriteRate {
		return misuse("--max-write-rate %d: give at least %d operations a second, or 0 for no bound", o.Bulk.PerSecond, leastWriteRate)
	}
	servers, chroot, err := zkclient.ParseServers(strings.Join(o.Servers, ","))
	if err != nil {
		return misuse("--servers or RINGMASTER_SERVERS: %w", err)
	}
	if chroot != "" && o.Namespace != "" {
		return misuse("--namespace %s, and the path %s after the servers: give the namespace once", o.Namespace, chroot)
	}
	o.Servers = servers
	switch {
	case chroot != "":
		o.Namespace = chroot
	case o.Namespace == "/":
		o.Namespace = ""
	}
	return nil
}

// connect makes from the options the parts that every role needs.
func (o *Options) connect() (*grantedEnv, recipe.Access, *slog.Logger, error) {
	fail := func(err error) (*grantedEnv, recipe.Access, *slog.Logger, error) {
		return nil, recipe.Access{}, nil, err
	}
	log, err := o.logger()
	if err != nil {
		return fail(err)
	}
	if err := o.check(); err != nil {
		return fail(err)
	}
	config := zkclient.Config{Servers: o.Servers, SessionTimeout: o.SessionTimeout, MaxRequest: o.MaxRequest, Bulk: o.Bulk, Logger: log}
	if o.AuthFile != "" {
		user, password, err := o.credentials()
		if err != nil {
			return fail(err)
		}
		config.Credentials = []zkclient.Credential{zkclient.Digest(user, password)}
	}
	if config.TLS, err = o.tls(); err != nil {
		return fail(err)
	}
	env, err := zkclient.New(config)
	if err != nil {
		return fail(exit.With(exit.WrongUse, err))
	}
	access, err := o.roles()
	return newGrantedEnv(env, o.SessionTimeout), access, log, err
}

func (o *Options) tls() (*tls.Config, error) {
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return nil, misuse("--tls-cert %q --tls-key %q: give both files, or none", o.TLSCert, o.TLSKey)
	}
	if o.TLSCA == "" {
		if o.TLSCert != "" || o.TLSKey != "" {
			return nil, misuse("--tls-cert and --tls-key need --tls-ca, which turns TLS on: give that, too")
		}
		return nil, nil
	}
	config, err := zkclient.TLSFiles(o.TLSCA, o.TLSCert, o.TLSKey)
	if err != nil {
		return nil, exit.With(exit.WrongUse, err)
	}
	return config, nil
}

// roles are the identities that ACLs name.
func (o *Options) roles() (recipe.Access, error) {
	var a recipe.Access
	for role, id := range o.Access {
		switch role {
		case "master":
			a.Master = []string{id}
		case "worker":
			a.Worker = []string{id}
		case "client":
			a.Client = []string{id}
		default:
			return a, misuse("--access %s=...: the roles are master, worker and client", role)
		}
	}
	if n := len(o.Access); n != 0 && n != 3 {
		return a, misuse("--access: name all three roles, master=ID,worker=ID,client=ID; one identity may play several")
	}
	return a, nil
}

// Identity is the identity of the user in the auth file, for ACLs by that digest algorithm.
func (o *Options) Identity(algorithm string) (string, error) {
	user, password, err := o.credentials()
	if err != nil {
		return "", err
	}
	id, err := zkapi.DigestIDWith(algorithm, user, password)
	if err != nil {
		return "", misuse("--algorithm: %w", err)
	}
	return id, nil
}
