// Package lang is the language of scripts: states of an interpreter, with the library of
// Lua 5.3 on an engine that speaks Lua 5.1 otherwise (github.com/yuin/gopher-lua), and
// tasks, which run functions of scripts and can be suspended anywhere.
//
// Of the interpreters in pure Go, gopher-lua (MIT) is the one that is maintained, fast, has
// coroutines and takes syntax trees from elsewhere; Shopify/go-lua speaks 5.2, has no
// coroutines and is not maintained, and those that speak 5.3 (arnodel/golua, Azure/golua) are
// not kept up, or not to be had. What scripts meet of 5.3 is filled in here and in package
// syntax. One difference stays: all numbers are floating-point numbers. Integers
// are exact up to 2^53, and a whole number is written without ".0" whatever it comes from.
//
// Nothing of the proxy may enter here.
package lang
