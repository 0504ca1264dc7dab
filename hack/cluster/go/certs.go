package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	lifetime = 10 * 365 * 24 * time.Hour
	// Clocks of two machines, or of a suspended laptop, are not quite equal.
	clockSkew = time.Hour
)

// certificate is one leaf that the caller asks for.
type certificate struct {
	Name         string   `json:"name"` // of the files: NAME.crt, NAME.key
	CommonName   string   `json:"commonName"`
	Organization []string `json:"organization"`
	Hosts        []string `json:"hosts"` // names and addresses; empty for a client
	CA           string   `json:"ca"`
}

// request is what runCerts reads from standard input.
type request struct {
	Directory    string        `json:"directory"`
	Authorities  []string      `json:"authorities"`
	KeyPairs     []string      `json:"keyPairs"` // RSA, without a certificate
	Certificates []certificate `json:"certificates"`
}

type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func runCerts() int {
	if err := makeCerts(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "certs:", err)
		return 1
	}
	return 0
}

func makeCerts(input io.Reader) error {
	var wanted request
	if err := json.NewDecoder(input).Decode(&wanted); err != nil {
		return err
	}
	authorities := map[string]authority{}
	for _, name := range wanted.Authorities {
		made, err := makeAuthority(wanted.Directory, name)
		if err != nil {
			return err
		}
		authorities[name] = made
	}
	for _, leaf := range wanted.Certificates {
		issuer, ok := authorities[leaf.CA]
		if !ok {
			return fmt.Errorf("%s: no authority named %q", leaf.Name, leaf.CA)
		}
		if err := makeLeaf(wanted.Directory, leaf, issuer); err != nil {
			return err
		}
	}
	for _, name := range wanted.KeyPairs {
		if err := makeKeyPair(wanted.Directory, name); err != nil {
			return err
		}
	}
	return nil
}

func makeAuthority(directory, name string) (authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	made, err := sign(directory, name, template, key, authority{template, key})
	return authority{made, key}, err
}

func makeLeaf(directory string, leaf certificate, issuer authority) error {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Organization},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(leaf.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range leaf.Hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	_, err = sign(directory, leaf.Name, template, key, issuer)
	return err
}

func sign(
	directory, name string, template *x509.Certificate, key crypto.Signer, issuer authority,
) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-clockSkew)
	template.NotAfter = time.Now().Add(lifetime)
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, key.Public(), issuer.key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(directory, name+".crt", "CERTIFICATE", der, 0o644); err != nil {
		return nil, err
	}
	if err := writeKey(directory, name, key); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// makeKeyPair writes an RSA pair: service-account tokens signed with RS256 are
// what every client library can check.
func makeKeyPair(directory, name string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writePEM(directory, name+".pub", "PUBLIC KEY", der, 0o644); err != nil {
		return err
	}
	return writeKey(directory, name, key)
}

func writeKey(directory, name string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(directory, name+".key", "PRIVATE KEY", der, 0o600)
}

func writePEM(directory, name, kind string, der []byte, mode os.FileMode) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(directory, name), text, mode)
}
