/**
 * The side where memory appears: page requests, stream intake, install, completion.
 *
 * <p>{@link org.userload.destination.Destination} is the way in. Its parts are one step of a page's way each: {@link
 * org.userload.destination.DemandPager} turns faults into requests, {@link org.userload.destination.StreamIntake} takes
 * what comes unasked, {@link org.userload.destination.PageInstaller} puts pages in place and counts how they came.
 *
 * <p>Two loops run it. The fault loop (thread {@code userload-sync}) has the fault descriptor and the sync and control
 * connections; the stream loop has the stream. Neither ever touches guest memory except to install.
 */
@NullMarked
package org.userload.destination;

import org.jspecify.annotations.NullMarked;
