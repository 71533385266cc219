/*
 * One MESSAGE_ID for each kind of journal record (journalctl MESSAGE_ID=…; systemd.journal-fields(7)). A
 * contract: never changed, never used for something else.
 */
#pragma once

#define MESSAGE_ID_ACCEPTED	   "a3cc58db68aa4d1197d3b1b64cfdfeb1"
#define MESSAGE_ID_REFUSED_REQUEST "deba562cecec4257b8d8cb3a88687336"
#define MESSAGE_ID_PHASE	   "430595a248b848e0a9e0779c28ee318a"
#define MESSAGE_ID_FINDING	   "095030cefed2457fa918480049a53176"
#define MESSAGE_ID_PROBE	   "48c1b988c79740a5b26bc93127b384a7"
#define MESSAGE_ID_NOTE		   "a22fbe4cc13d41a1b52bb13a048bf842"
#define MESSAGE_ID_WARNING	   "9fc18eabdb4746629fbc1a77c14d9165"
#define MESSAGE_ID_OUTCOME	   "be79476462cc4c2da2217408049ef151"
#define MESSAGE_ID_HOLD		   "d6a51a5822934735ab1d02491acda988"
#define MESSAGE_ID_CHECK	   "5c1193dd4feb4210ba55c1918e5cfa0a"
#define MESSAGE_ID_LATE_FAILURE	   "65f3886ee8774457b35047f26d9f311b"
