/**
 * A small virtual machine on KVM whose memory can move: the fault-driven prototype. Nothing but Userload's public interfaces
 * underneath, so it is also an example of how to use them.
 *
 * <p>{@link org.userload.kvm.VirtualMachine} is a {@link org.userload.migration.Guest}: a migration pauses it, takes its virtual CPUs'
 * state and lets it go on elsewhere. {@link org.userload.kvm.BareGuest} is a program without an operating system for it.
 */
@NullMarked
package org.userload.kvm;

import org.jspecify.annotations.NullMarked;
