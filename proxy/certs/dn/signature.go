package dn

import "crypto/x509"

// signatureNames are OpenSSL's short names of algorithms of signatures.
var signatureNames = map[x509.SignatureAlgorithm]string{
	x509.MD5WithRSA: "RSA-MD5", x509.SHA1WithRSA: "RSA-SHA1", x509.SHA256WithRSA: "RSA-SHA256", x509.SHA384WithRSA: "RSA-SHA384", x509.SHA512WithRSA: "RSA-SHA512",
	x509.ECDSAWithSHA1: "ecdsa-with-SHA1", x509.ECDSAWithSHA256: "ecdsa-with-SHA256", x509.ECDSAWithSHA384: "ecdsa-with-SHA384", x509.ECDSAWithSHA512: "ecdsa-with-SHA512",
	x509.SHA256WithRSAPSS: "RSASSA-PSS", x509.SHA384WithRSAPSS: "RSASSA-PSS", x509.SHA512WithRSAPSS: "RSASSA-PSS", x509.PureEd25519: "ED25519",
}

// Signature is the name of an algorithm of signatures.
func Signature(a x509.SignatureAlgorithm) string { return signatureNames[a] }
