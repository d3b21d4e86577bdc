#include "sigbus.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "memory.h"
#include "net.h"

/* A signal handler has no argument of its own. */
static struct destination *served;
static int sync_connection;
static uint8_t *reply_pages; /* one page for a header that ends at the boundary, one for data */

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    size_t page = ((uintptr_t)info->si_addr - (uintptr_t)served->memory) / PAGE_BYTES;
    if (page >= served->pages)
        fail("SIGBUS at %p, which is not the destination's", info->si_addr);
    uint8_t *start = reply_pages + PAGE_BYTES - sizeof(struct frame);
    struct frame request = {.type = FRAME_REQUEST, .first_page = page, .page_count = 1};
    net_send(sync_connection, &request, NULL, 0);
    if (!net_receive(sync_connection, start, sizeof(struct frame) + PAGE_BYTES))
        fail("the source closed the sync connection");
    net_check((const struct frame *)start, FRAME_PAGES, served->pages, 1);
    destination_install(served, PATH_DEMAND, page, 1, reply_pages + PAGE_BYTES);
}

void signal_handler_start(struct destination *destination, int sync_fd)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO;
    served = destination;
    sync_connection = sync_fd;
    reply_pages = memory_map_present(2 * PAGE_BYTES);
    if (sigaction(SIGBUS, &action, NULL) != 0)
        fail_call("sigaction(SIGBUS)");
}

void signal_handler_stop(void)
{
    signal(SIGBUS, SIG_DFL);
    memory_unmap(reply_pages, 2 * PAGE_BYTES);
}
