// Package sflowrt answers the REST interface that clients of sFlow-RT know (spec sflow-rt section 6): paths,
// parameters, status codes and JSON shapes, long polls and lenient request bodies included. Extra properties, such as
// the standard error of an estimate, are additions that old clients pass over. /api-docs describes all of it.
//
// It is not for the house's own REST and live stream (api), and it computes nothing: values come from the engine's
// view, changes go to it as commands. What is switched off (BGP, forwarding, tenants, scripts) answers as it does in
// a server where nobody switched it on.
//
// The package keeps no state but the number of long polls that wait and which definitions scrapers put in force, since
// those never say when they are done. Every answer is made from one view of the engine, which is shared and never
// written to; request bodies and answers belong to their request.
package sflowrt
