/*
 * One MESSAGE_ID for each kind of journal record (journalctl MESSAGE_ID=…; systemd.journal-fields(7)); an outcome is a
 * kind. A contract: never changed, never used for something else. docs/JOURNAL.md lists them, units/catalog/
 * flipslot.catalog explains them (journalctl -x).
 */
#pragma once

#define MESSAGE_ID_ACCEPTED	   "a3cc58db68aa4d1197d3b1b64cfdfeb1"
#define MESSAGE_ID_REFUSED_REQUEST "deba562cecec4257b8d8cb3a88687336"
#define MESSAGE_ID_PHASE	   "430595a248b848e0a9e0779c28ee318a"
#define MESSAGE_ID_FINDING	   "095030cefed2457fa918480049a53176"
#define MESSAGE_ID_PROBE	   "48c1b988c79740a5b26bc93127b384a7"
#define MESSAGE_ID_NOTE		   "a22fbe4cc13d41a1b52bb13a048bf842"
#define MESSAGE_ID_WARNING	   "9fc18eabdb4746629fbc1a77c14d9165"
#define MESSAGE_ID_HOLD		   "d6a51a5822934735ab1d02491acda988"
#define MESSAGE_ID_CHECK	   "5c1193dd4feb4210ba55c1918e5cfa0a"

/* a transaction has ended */
#define MESSAGE_ID_COMMITTED		 "9f7fc6ab67c0401a8bfb8b76d9705a54"
#define MESSAGE_ID_REFUSED		 "935d7585ea7443cb84a205fb56d66fd0"
#define MESSAGE_ID_CANCELLED		 "6d57d54fd48943a9913bb59b8bc6af4d"
#define MESSAGE_ID_FAILED		 "de7b5958a4f648efa3eb9c38a49310a4"
#define MESSAGE_ID_FAILED_FIRST		 "7ffa977169924aa29d8081ed1bbbd7a7"
#define MESSAGE_ID_ROLLED_BACK		 "86f49acd76da400b8d657b78138e864f"
#define MESSAGE_ID_ROLLED_BACK_UNHEALTHY "789d8979405c4533b30dea58357333da"
#define MESSAGE_ID_BOTH_BAD		 "d12e1ff90f144514b3e96b289ce55a38"

/* between transactions */
#define MESSAGE_ID_LATE_FAILURE	   "65f3886ee8774457b35047f26d9f311b"
#define MESSAGE_ID_DAMAGED	   "4b1c1f0f5a3e4a0c9d6b0a2f7c8e5d31"
#define MESSAGE_ID_MENDED	   "b7d2c5e8914f4f6ea1c30d7e26f9a845"
#define MESSAGE_ID_ALERT_DELIVERED "f375ef98cd724ef89f429d086e7727cd"
#define MESSAGE_ID_ALERT_FAILED	   "0c6bf66379f6447ba8c639b115fe557e"
#define MESSAGE_ID_ALERT_DROPPED   "d9a402bb22844975a1f5318daf4485c6"
