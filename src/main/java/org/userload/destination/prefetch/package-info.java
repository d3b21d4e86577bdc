/**
 * Which pages a destination wants before others: read-ahead by what is being touched, and the working set of an earlier run.
 * What is wanted is advice to the source. It changes the order in which pages come, never what is in them, and a page
 * that is touched does not wait for it longer than for an answer.
 */
@NullMarked
package org.userload.destination.prefetch;

import org.jspecify.annotations.NullMarked;
