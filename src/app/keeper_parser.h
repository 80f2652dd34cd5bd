#pragma once

#include "ipc/peer.h"
#include "retrieval/pipeline.h"

namespace casemate::app {

// A parser process per document, asked of the supervisor. `supervisor` must outlive it.
retrieval::Parser SupervisorParser(ipc::Peer& supervisor);

}  // namespace casemate::app
