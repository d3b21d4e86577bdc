/**
 * The Linux kernel as Userload needs it: anonymous mappings, userfaultfd and its ioctls, page touches and CPU affinity.
 *
 * <p>This is the only package that sees JNR-FFI. {@link org.userload.linux.LibC} holds every C signature under its C
 * name; {@link org.userload.linux.NativeFailure} is the one place where an errno becomes an exception. Everything else
 * speaks of addresses ({@code long}), lengths in bytes and typed outcomes.
 *
 * <p>Threads: every class here may be used by several threads unless its Javadoc says otherwise. Calls that block in
 * the kernel do so in native code, so that the JVM can still reach a safepoint.
 */
@NullMarked
package org.userload.linux;

import org.jspecify.annotations.NullMarked;
