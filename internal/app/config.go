// Package app puts the house together: it opens the database, builds every room and door, connects
// who listens to what, serves, and closes it all in the right order. Tests boot the same App.
package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"opeka/internal/db"
)

// Config is what the program must know before it can read its database; everything else is a setting in there.
// Each field is a flag and an environment variable; the zero value of each is what one machine needs.
type Config struct {
	Data      string `help:"Folder of the database, files and the master key." default:"data" env:"OPEKA_DATA" type:"path"`
	Listen    string `help:"Address to serve on." default:"127.0.0.1:8080" env:"OPEKA_LISTEN"`
	PublicURL string `name:"public-url" help:"Address at which browsers and shops reach this installation, such as https://care.example. Empty: the listen address." env:"OPEKA_PUBLIC_URL"`
	Database  string `help:"postgres://... ; empty: SQLite in the data folder." env:"OPEKA_DATABASE"`
	Files     string `help:"s3://KEY:SECRET@host/bucket ; empty: the data folder." env:"OPEKA_FILES"`
	Secret    string `name:"secret-key" help:"Master key, 32 bytes in base64 or hex; several nodes must share it. Empty: secret.key in the data folder, made at first start." env:"OPEKA_SECRET_KEY"`

	NATS          string   `help:"nats://... of an external NATS between nodes." env:"OPEKA_NATS"`
	ClusterListen string   `help:"host:port at which this node's own NATS hears the other nodes." env:"OPEKA_CLUSTER_LISTEN"`
	ClusterRoutes []string `help:"host:port of other nodes." env:"OPEKA_CLUSTER_ROUTES"`
	ClusterToken  string   `help:"Secret that the nodes share." env:"OPEKA_CLUSTER_TOKEN"`

	SIPListen   []string `name:"sip-listen" help:"Where SIP listens when there is a trunk: host:port for UDP and TCP, or udp:, tcp: or tls: before it." default:"127.0.0.1:5060" env:"OPEKA_SIP_LISTEN"`
	SIPPublicIP string   `name:"sip-public-ip" help:"Address at which the telephone network reaches this machine when it stands behind NAT." env:"OPEKA_SIP_PUBLIC_IP"`
	SIPLocal    []string `name:"sip-local" help:"Networks that reach this machine without the router, such as 192.168.0.0/16. Empty: the private ones." env:"OPEKA_SIP_LOCAL"`
	SIPCert     string   `name:"sip-certificate" help:"Certificate file (PEM) for tls: addresses of SIP." env:"OPEKA_SIP_CERTIFICATE" type:"path"`
	SIPKey      string   `name:"sip-key" help:"Key file (PEM) of that certificate." env:"OPEKA_SIP_KEY" type:"path"`
	RTPPorts    string   `name:"rtp-ports" help:"UDP ports for the sound of telephone calls." default:"10000-19999" env:"OPEKA_RTP_PORTS"`

	PhoneListen string   `help:"host:port (UDP) at which agents' browsers send and hear sound; :7480 lets those on other machines in. Empty: none." default:"127.0.0.1:7480" env:"OPEKA_PHONE_LISTEN"`
	PhoneIPs    []string `name:"phone-ips" help:"Public addresses of this machine that browsers are told for sound, where a router stands before it." env:"OPEKA_PHONE_IPS"`

	MailListen []string `name:"mail-listen" help:"Where mail servers hand over letters to the stores' mailboxes: host:port for SMTP, lmtp:host:port or lmtp:/path for LMTP; without a host it is the loopback. Empty: nowhere." env:"OPEKA_MAIL_LISTEN"`
	MailHost   string   `name:"mail-host" help:"Name of this machine in the dialogue with mail servers. Empty: the machine's own." env:"OPEKA_MAIL_HOST"`
	MailCert   string   `name:"mail-certificate" help:"Certificate file (PEM) for STARTTLS; it is read again when it is renewed." env:"OPEKA_MAIL_CERTIFICATE" type:"path"`
	MailKey    string   `name:"mail-key" help:"Key file (PEM) of that certificate." env:"OPEKA_MAIL_KEY" type:"path"`

	BehindProxy   bool   `help:"Believe X-Forwarded-For and X-Forwarded-Proto: only when a reverse proxy alone can reach the program." env:"OPEKA_BEHIND_PROXY"`
	AllowPrivate  bool   `help:"Let connections and webhooks reach private and loopback addresses: for a shop in the same network." env:"OPEKA_ALLOW_PRIVATE"`
	MetricsListen string `help:"Address of /metrics; empty: not served." default:"127.0.0.1:9464" env:"OPEKA_METRICS_LISTEN"`
	LogLevel      string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"OPEKA_LOG_LEVEL"`
	LogJSON       bool   `name:"log-json" help:"Write the log as JSON." env:"OPEKA_LOG_JSON"`
}

// Check finds what can't work, and makes the data folder.
func (c *Config) Check() error {
	if c.Data == "" {
		c.Data = "data"
	}
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if c.NATS != "" && c.ClusterListen != "" {
		return errors.New("choose one of --nats (external) and --cluster-listen (embedded)")
	}
	if c.clustered() && c.engine() == db.SQLite {
		return errors.New("several nodes need PostgreSQL: set --database")
	}
	if c.ClusterListen != "" && len(c.ClusterToken) < 16 {
		return errors.New("--cluster-token must have at least 16 characters: whoever knows it may join the nodes")
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("--public-url must look like https://care.example, got %q", c.PublicURL)
		}
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	}
	return nil
}

func (c *Config) clustered() bool { return c.NATS != "" || c.ClusterListen != "" }

func (c *Config) engine() db.Engine {
	if c.Database == "" || strings.HasPrefix(c.Database, "sqlite:") {
		return db.SQLite
	}
	return db.Postgres
}

// DatabaseURL is the address for db.Open.
func (c *Config) DatabaseURL() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + filepath.Join(c.Data, "opeka.db")
}

// Logger writes to standard error, as text for people or as JSON for machines.
func (c *Config) Logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel))
	o := &slog.HandlerOptions{Level: level}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
