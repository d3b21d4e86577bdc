/** Results for people and programs: tables and JSON from finished statistics, and progress while work goes on. */
@NullMarked
package org.userload.report;

import org.jspecify.annotations.NullMarked;
