/**
 * Benchmarks: JMH classes, and commands that compare with the plain C floor and check the memory footprint.
 *
 * <p>{@code docs/performance.md} has the commands and what they measured.
 */
package org.userload.benchmark;
