// Go's crypto/tls with its defaults, as a client of Casemate's port and as a server for its clients.
//
//	client ADDRESS CA [CURVE]   one GET /health; prints what was negotiated
//	server CERT KEY [CURVE]     answers every request with "{}"; prints its address
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
)

var curves = map[string]tls.CurveID{"X25519": tls.X25519, "X25519MLKEM768": tls.X25519MLKEM768}

func preferences(arguments []string) []tls.CurveID {
	if len(arguments) == 0 {
		return nil // the defaults
	}
	return []tls.CurveID{curves[arguments[0]]}
}

func fail(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func client(address, ca string, rest []string) {
	pem, err := os.ReadFile(ca)
	fail(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	var seen tls.ConnectionState
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, CurvePreferences: preferences(rest),
		VerifyConnection: func(state tls.ConnectionState) error { seen = state; return nil }}}
	answer, err := (&http.Client{Transport: transport}).Get("https://" + address + "/health")
	fail(err)
	fail(json.NewEncoder(os.Stdout).Encode(map[string]any{"go": runtime.Version(), "group": seen.CurveID.String(),
		"status": answer.StatusCode}))
}

func server(certificate, key string, rest []string) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	fail(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair},
		CurvePreferences: preferences(rest), NextProtos: []string{"http/1.1"}})
	fail(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).String())
	fail(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	})))
}

func main() {
	if len(os.Args) > 3 && os.Args[1] == "client" {
		client(os.Args[2], os.Args[3], os.Args[4:])
	} else if len(os.Args) > 3 && os.Args[1] == "server" {
		server(os.Args[2], os.Args[3], os.Args[4:])
	} else {
		os.Exit(2)
	}
}
