/*
 * What a text looks like: signs that advertising has more often than people do. Pure functions;
 * what a sign weighs is the gate's to say.
 */
#ifndef OUTREACH_CONTENT_H
#define OUTREACH_CONTENT_H

#include "bana/text.h"

/* Web addresses in it: "http://", "https://", and "www." where a word begins. */
unsigned outreach_content_links(bana_str text);

/* Tags of links and scripts, of HTML or of a bulletin board. A lone "<" is none. */
bool outreach_content_markup(bana_str text);

/* The same few words over and over (20 or more, of which less than a quarter differ), or one letter
 * or digit 20 times in a row. */
bool outreach_content_repeats(bana_str text);

#endif
